#include "hale/wire/http_server.hpp"

#include "hale/async/scope.hpp"
#include "hale/wire/http_connection.hpp"

namespace hale {

namespace {

// Beyond max_connections this many more are told so; any further are closed without a word.
constexpr std::size_t max_refusals = 16;

task<void> run_connection(std::unique_ptr<http_connection> connection, bool admitted) {
  try {
    auto running = admitted ? connection->serve() : connection->refuse(503);
    co_await std::move(running);
  } catch (...) {
    // Memory ran out, or authorize() threw: that peer is lost, the server is not.
  }
}

}  // namespace

task<void> serve_http(listener& at, http_handler& handler, http_server_options options) {
  const context here = co_await this_context();
  scope connections(here);
  for (;;) {
    auto accepting = at.accept(deadline::never());
    result<std::unique_ptr<byte_stream>> accepted = co_await std::move(accepting);
    if (accepted) {
      const std::size_t open = connections.running();
      if (open >= options.max_connections + max_refusals) continue;
      auto connection = std::make_unique<http_connection>(std::move(*accepted), handler, options);
      connections.spawn(run_connection(std::move(connection), open < options.max_connections));
      continue;
    }
    if (accepted.error() == errc::closed || accepted.error() == errc::cancelled) break;
    const std::error_code stopped = co_await options.clock->sleep_for(options.accept_pause);
    if (stopped) break;
  }
  connections.cancel();
  auto ending = connections.join();
  co_await std::move(ending);
}

}  // namespace hale
