#include "hale/control/control_server.hpp"

#include <utility>

#include "hale/async/scope.hpp"

namespace hale {
namespace {

constexpr duration farewell = std::chrono::seconds(1);

http_server_options options_of(const hale::clock& time) {
  http_server_options options(time);
  options.limits.max_body_bytes = 16 * 1024;
  options.write_timeout = std::chrono::minutes(10);  // a reader may pause: it costs one piece of a stream, and its place
  options.max_connections = 128;  // more than all followers and waiting commands together: status finds a place
  return options;
}

// Serves until cancelled, and cancels `over` when it ends by itself.
task<void> serve_until_closed(listener& at, control_api& api, const hale::clock& time, cancel_source& over) {
  auto serving = serve_http(at, api, options_of(time));
  co_await std::move(serving);
  over.cancel();
}

task<void> sleep_for_ever() { co_await sleep_until(instant::max()); }

task<void> say_farewell(control_api& api, const hale::clock& time) {
  const bool anybody = api.following().count() > 0;
  api.following().end();
  if (!anybody) co_return;
  co_await api.following().drained(time.after(farewell));
  co_await time.sleep_for(std::chrono::milliseconds(20));  // the server writes the ends of their streams
}

}  // namespace

task<void> serve_control(listener& at, control_api& api, const hale::clock& time) {
  const context here = co_await this_context();
  cancel_source over(here.cancellation);
  const context uncancelled{here.executor, nullptr};
  scope server(uncancelled);
  server.spawn(serve_until_closed(at, api, time, over));
  auto waiting = sleep_for_ever();
  co_await cancelled_by(over, std::move(waiting));
  auto parting = say_farewell(api, time);
  co_await shielded(std::move(parting));
  server.cancel();
  auto joining = server.join();
  co_await std::move(joining);
}

}  // namespace hale
