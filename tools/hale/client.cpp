#include "client.hpp"

#include <fmt/format.h>

#include "hale/record/status_json.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr duration patience = std::chrono::seconds(10);

bool succeeded(const http_response& answer) { return answer.status >= 200 && answer.status < 300; }

}  // namespace

result<std::string, failure> client::find_socket(const command_line& line) {
  auto state_dir = find_state_directory(line.state_dir, line.cluster_name);
  if (!state_dir) return state_dir;
  if (is_running(*state_dir)) return control_socket_of(*state_dir);
  return failure{exit_unreachable,
                 fmt::format("no supervisor is running on {}; start one with `hale run`", *state_dir)};
}

client::client(std::string socket)
    : socket_(std::move(socket)), network_(loop_), control_(network_, endpoint::unix_path(socket_)) {}

failure client::broken(std::error_code why) const {
  return {exit_unreachable, fmt::format("the supervisor at {} does not answer: {}; is it still running?", socket_,
                                        why.message())};
}

task<result<std::string, failure>> client::exchange(std::string method, std::string target, std::string body,
                                                    deadline limit) {
  auto asking = control_.request(std::move(method), std::move(target), std::move(body), limit);
  auto answer = co_await std::move(asking);
  if (!answer) co_return broken(answer.error());
  if (!succeeded(*answer)) co_return failure{exit_failed, error_message(*answer)};
  co_return std::move(answer->body);
}

task<result<std::string, failure>> client::post(std::string target, std::string body) {
  return exchange("POST", std::move(target), std::move(body), deadline::never());
}

task<result<cluster_status, failure>> client::status() {
  auto asking = exchange("GET", "/v1/status", "", clock_.after(patience));
  auto body = co_await std::move(asking);
  if (!body) co_return body.error();
  auto parsed = parse_status(*body);
  if (!parsed) co_return broken(parsed.error());
  co_return std::move(*parsed);
}

task<result<std::size_t, failure>> client::stream(std::string target, std::function<bool(std::string_view)> each) {
  auto opening = control_.follow(std::move(target), clock_.after(patience));
  auto opened = co_await std::move(opening);
  if (!opened) co_return broken(opened.error());
  control_stream& answer = **opened;
  if (!succeeded(answer.head())) {
    http_response refusal = answer.head();
    auto reading = answer.next(clock_.after(patience));
    auto line = co_await std::move(reading);
    if (line) refusal.body = std::move(*line);
    co_return failure{exit_failed, error_message(refusal)};
  }
  for (std::size_t lines = 0;;) {
    auto reading = answer.next(clock_.after(std::chrono::seconds(1)));
    auto line = co_await std::move(reading);
    if (!line && answer.complete()) co_return lines;
    if (!line && line.error() == errc::timed_out) {
      if (reader_is_gone()) co_return lines;  // `… -f | head -1`: nothing would be written that could fail
      continue;
    }
    if (!line) co_return broken(line.error());
    ++lines;
    if (!each(*line)) co_return lines;
  }
}

}  // namespace hale::cli
