#include "hale/heal/probe.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>

#include "hale/base/text.hpp"
#include "hale/wire/http_client.hpp"

namespace hale {
namespace {

probe_result failed(cause why, std::string detail) {
  probe_result result;
  result.what = probe_result::outcome::failure;
  result.cause = why;
  result.detail = std::move(detail);
  return result;
}

probe_result could_not_ask(std::string detail) {
  probe_result result;
  result.what = probe_result::outcome::not_run;
  result.detail = std::move(detail);
  return result;
}

/// Our own want of something, not the server's fault.
bool is_own_fault(std::error_code code) {
  if (code == errc::cancelled) return true;
  if (code.category() != std::system_category()) return false;
  switch (code.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM: return true;
    default: return false;
  }
}

probe_result connect_failure(std::error_code code, const resolved_probe& probe) {
  if (is_own_fault(code)) return could_not_ask(fmt::format("cannot probe: {}", code.message()));
  const std::string where = fmt::format("{}:{}", probe.target.host, probe.target.port);
  if (code == errc::timed_out) {
    return failed(cause::hung, fmt::format("{} did not accept a connection within {}", where,
                                           format_duration(probe.spec->timeout)));
  }
  if (code == std::errc::connection_refused) return failed(cause::probe_failed, fmt::format("{} refused", where));
  return failed(cause::probe_failed, fmt::format("{}: {}", where, code.message()));
}

probe_result exchange_failure(std::error_code code, const resolved_probe& probe) {
  if (is_own_fault(code)) return could_not_ask(fmt::format("cannot probe: {}", code.message()));
  probe_result result;
  if (code == errc::timed_out) {
    result = failed(cause::hung,
                    fmt::format("connected, but no answer within {}", format_duration(probe.spec->timeout)));
  } else if (code == errc::malformed) {
    result = failed(cause::probe_failed, "its answer is not HTTP");
  } else if (code == errc::too_large) {
    result = failed(cause::probe_failed, "the header of its answer has no end");
  } else if (code == errc::closed) {
    result = failed(cause::probe_failed, "it closed the connection before its answer was whole");
  } else {
    result = failed(cause::probe_failed, fmt::format("the connection broke: {}", code.message()));
  }
  result.listening = true;
  return result;
}

/// A line of what a server said, fit to be shown.
std::string excerpt(std::string_view body) {
  std::string shown;
  for (const char c : body.substr(0, 80)) shown += (c >= ' ' && c < 0x7f) ? c : ' ';
  return shown;
}

probe_result judge(const http_response& answer, const resolved_probe& probe) {
  const probe_spec& wanted = *probe.spec;
  probe_result result;
  const bool status_fits = std::find(wanted.status.begin(), wanted.status.end(), answer.status) != wanted.status.end();
  if (!status_fits) {
    result = failed(cause::probe_failed, fmt::format("{} {} answered {}", wanted.method, probe.path, answer.status));
    if (!answer.body.empty()) result.detail += fmt::format(": {}", excerpt(answer.body));
  } else if (answer.body.find(wanted.body_contains) == std::string::npos) {
    result = failed(cause::probe_failed, fmt::format("{} {} answered {}, but without \"{}\"", wanted.method,
                                                     probe.path, answer.status, excerpt(wanted.body_contains)));
  }
  result.http_status = answer.status;
  result.listening = true;
  return result;
}

http_request request_for(const resolved_probe& probe) {
  http_request request(probe.spec->method, probe.path);
  for (const auto& [name, value] : probe.spec->headers) request.headers.add(name, value);
  if (request.headers.find("Host") == nullptr) {
    request.headers.add("Host", fmt::format("{}:{}", probe.target.host, probe.target.port));
  }
  return request;
}

task<probe_result> probe_over_network(world& in, const resolved_probe& probe) {
  const deadline limit = in.clock.after(probe.spec->timeout);
  auto connecting = in.network.connect(probe.target, limit);
  auto connection = co_await std::move(connecting);
  if (!connection) co_return connect_failure(connection.error(), probe);
  if (probe.spec->type == probe_spec::kind::tcp) {
    probe_result accepted;
    accepted.listening = true;
    co_return accepted;
  }
  http_request request = request_for(probe);
  auto asking = http_exchange(**connection, std::move(request), http_limits(), limit);
  auto answer = co_await std::move(asking);
  if (!answer) co_return exchange_failure(answer.error(), probe);
  co_return judge(*answer, probe);
}

std::string describe(const exit_status& status) {
  if (const auto* ended = std::get_if<exited>(&status)) return fmt::format("exit code {}", ended->code);
  if (const auto* killed = std::get_if<signalled>(&status)) return fmt::format("signal {}", killed->signal);
  return "an unknown end";
}

task<probe_result> probe_by_command(world& in, const resolved_probe& probe) {
  const deadline limit = in.clock.after(probe.spec->timeout);
  auto spawning = in.processes.spawn(*probe.exec);
  auto spawned = co_await std::move(spawning);
  if (!spawned) {
    co_return could_not_ask(fmt::format("cannot run the probe: {} {}: {}", spawned.error().step, spawned.error().path,
                                        spawned.error().code.message()));
  }
  process& command = **spawned;
  const auto status = co_await command.wait(limit);
  // Whatever it left behind goes with it, also when we were cancelled.
  auto clearing = command.kill_tree(in.clock.after(std::chrono::seconds(5)));
  co_await shielded(std::move(clearing));
  if (!status && status.error() == errc::timed_out) {
    co_return failed(cause::hung, fmt::format("the probe command took more than {}",
                                              format_duration(probe.spec->timeout)));
  }
  if (!status) co_return could_not_ask("cancelled");
  if (*status == exit_status(exited{0})) co_return probe_result();
  co_return failed(cause::probe_failed, fmt::format("the probe command ended with {}", describe(*status)));
}

}  // namespace

task<probe_result> run_probe(world& in, const resolved_probe& probe) {
  if (probe.spec->type == probe_spec::kind::exec) return probe_by_command(in, probe);
  return probe_over_network(in, probe);
}

}  // namespace hale
