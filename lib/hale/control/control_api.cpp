#include "hale/control/control_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hale/async/race.hpp"
#include "hale/base/text.hpp"
#include "hale/record/event_json.hpp"
#include "hale/record/event_line.hpp"
#include "hale/record/json_object.hpp"
#include "hale/record/status_json.hpp"

namespace hale {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::size_t piece_bytes = 32 * 1024;  // a stream is written in pieces of about this size

http_response error_response(const control_error& error) {
  std::string body;
  json_object(body).text("error", error.message).close();
  body += '\n';
  http_response response(error.status, std::string(json_type), std::move(body));
  if (!error.allow.empty()) response.headers.add("Allow", error.allow);
  return response;
}

http_response error_response(int status, std::string message) {
  return error_response(control_error{status, std::move(message), {}});
}

http_response accepted(int status) { return http_response(status, std::string(json_type), "{\"ok\":true}\n"); }

http_response outcome_response(const command_result& outcome) {
  if (outcome.status == command_result::outcome::done) return accepted(200);
  const bool unknown = outcome.status == command_result::outcome::unknown_name;
  std::string message = outcome.message;
  if (message.empty()) message = "the command did not succeed; see `hale status` and `hale events`";
  return error_response(unknown ? 404 : 409, std::move(message));
}

// One of a bounded number; gives its place back when it ends.
class counted {
 public:
  explicit counted(std::size_t& count) noexcept : count_(count) { ++count_; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --count_; }

 private:
  std::size_t& count_;
};

template <class Source>
task<std::error_code> wait_for(Source& source) {
  co_return co_await source.wait();
}

// What the reader has, up to event `end`, at most about one piece of it.
std::string take_events(history_reader& reader, std::uint64_t end, std::string_view cluster) {
  std::string piece;
  while (piece.size() < piece_bytes && reader.position() < end) {
    const auto what = reader.take();
    if (const std::uint64_t missed = reader.take_missed(); missed > 0) piece += gap_json(missed) + '\n';
    if (!what.has_value()) break;
    piece += event_json(*what, cluster);
    piece += '\n';
  }
  return piece;
}

std::string skipped_lines(std::uint64_t count, wall_time now) {
  const std::string text = fmt::format("hale: {} lines are not shown here, they came too fast", count);
  log_line line;
  line.at = now;
  line.stream = output_stream::err;
  line.text = text;
  return kept_form(line);
}

std::string take_lines(log_follower& follower, wall_time now) {
  std::string piece;
  while (piece.size() < piece_bytes) {
    if (const std::uint64_t missed = follower.take_missed(); missed > 0) piece += skipped_lines(missed, now) + '\n';
    const auto line = follower.take();
    if (!line.has_value()) break;
    piece += *line;
    piece += '\n';
  }
  return piece;
}

// The lines from `first` on, at most about one piece of them, which are then let go.
std::string take_lines(std::vector<std::string>& lines, std::size_t& first) {
  std::string piece;
  while (piece.size() < piece_bytes && first < lines.size()) {
    piece += std::exchange(lines[first++], std::string());
    piece += '\n';
  }
  return piece;
}

}  // namespace

control_api::control_api(const hale::clock& time, control_target& target, history& events, followed_log_store& logs,
                         control_access access)
    : clock_(time), target_(target), history_(events), logs_(logs), access_(std::move(access)),
      followers_(max_followers) {}

task<void> control_api::handle(http_request request, http_responder& reply, http_peer peer) {
  if (std::string why = access_.refusal(request, peer); !why.empty()) {
    auto refusing = reply.send(error_response(403, std::move(why)));
    co_await std::move(refusing);
    co_return;
  }
  auto command = read_command(request);
  if (!command) {
    auto refusing = reply.send(error_response(command.error()));
    co_await std::move(refusing);
    co_return;
  }
  auto obeying = obey(std::move(*command), reply);
  co_await std::move(obeying);
}

task<void> control_api::obey(control_command command, http_responder& reply) {
  task<void> obeying;
  switch (command.action) {
    case control_action::events: obeying = stream_events(std::move(command), reply); break;
    case control_action::log: obeying = stream_log(std::move(command), reply); break;
    case control_action::start:
    case control_action::stop:
    case control_action::restart: obeying = run_command(std::move(command), reply); break;
    default: {
      auto sending = reply.send(answer(command));
      co_await std::move(sending);
      co_return;
    }
  }
  co_await std::move(obeying);
}

// What can be answered at once.
http_response control_api::answer(const control_command& command) {
  switch (command.action) {
    case control_action::status:
      return http_response(200, std::string(json_type), status_json(target_.status()) + '\n');
    case control_action::heartbeat:
      return target_.heartbeat(command.name) ? accepted(200) : unknown_name(command);
    case control_action::report_request: {
      const bool known = target_.report_request(command.name, command.took, command.ok);
      return known ? accepted(200) : unknown_name(command);
    }
    case control_action::heartbeat_port:
      if (target_.heartbeat_port(command.port)) return accepted(200);
      return error_response(404, fmt::format("no instance has port {}; /v1/status shows those there are", command.port));
    case control_action::stop_cluster:
      target_.request_stop("asked to on the control socket");
      return accepted(202);
    case control_action::rollout:
      return error_response(501, "rolling restarts are not supported yet; restart the instances one by one");
    case control_action::reload:
      return error_response(501, "reloading the cluster file is not supported yet; stop the cluster and run it again");
    default: return error_response(500, "this request has no answer; please report it");
  }
}

std::vector<std::string_view> control_api::names(bool of_services) const {
  std::vector<std::string_view> found;
  for (const service_spec& service : target_.spec().services) {
    if (of_services) {
      found.push_back(service.name);
    } else {
      for (const instance_spec& instance : service.instances) found.push_back(instance.name);
    }
  }
  return found;
}

bool control_api::knows(const control_command& command) const {
  const auto known = names(command.of_service);
  return std::find(known.begin(), known.end(), command.name) != known.end();
}

http_response control_api::unknown_name(const control_command& command) const {
  const std::string_view kind = command.of_service ? "service" : "instance";
  const std::string name = printable(command.name, 80);
  const auto known = names(command.of_service);
  const auto others = names(!command.of_service);
  if (std::find(others.begin(), others.end(), command.name) != others.end()) {
    const std::string_view place = command.of_service ? "the name of an instance, not of a service; use /v1/instances/"
                                                      : "the name of a service, not of an instance; use /v1/services/";
    return error_response(404, fmt::format("\"{}\" is {}", name, place));
  }
  if (const std::string_view near = nearest_name(command.name, known); !near.empty()) {
    return error_response(404, fmt::format("no {} is called \"{}\"; did you mean \"{}\"?", kind, name, near));
  }
  return error_response(404, fmt::format("no {} is called \"{}\"; /v1/status lists those there are", kind, name));
}

std::uint64_t control_api::beginning(const event_origin& since) const {
  if (const auto* after = std::get_if<std::uint64_t>(&since)) {
    return *after >= history_.next() ? history_.next() : *after + 1;
  }
  if (const auto* at = std::get_if<wall_time>(&since)) return history_.first_since(*at);
  if (const auto* ago = std::get_if<duration>(&since)) {
    const wall_time now = clock_.wall();
    const bool before_all = now.time_since_epoch() < wall_time::min().time_since_epoch() + *ago;
    return history_.first_since(before_all ? wall_time::min() : now - *ago);
  }
  return history_.first();
}

// Followers of events and of logs differ in what they read. Both write what there is, then wait for more under the
// source that ends when the followers are ended; then they write what came last, and return.

task<void> control_api::stream_events(control_command command, http_responder& reply) {
  const context here = co_await this_context();
  followers::place place(followers_, here.cancellation);
  if (!place) {
    auto refusing = reply.send(error_response(503, "too many follow already; end one of them and try again"));
    co_await std::move(refusing);
    co_return;
  }
  history_reader reader(history_, beginning(command.since));
  const std::uint64_t end = command.follow ? ~std::uint64_t{0} : history_.next();
  const std::string cluster = target_.spec().name;
  auto opening = reply.begin(http_response(200, "application/x-ndjson", {}));
  const std::error_code unopened = co_await std::move(opening);
  if (unopened) co_return;
  for (;;) {
    std::string piece = take_events(reader, end, cluster);
    if (!piece.empty()) {
      auto writing = reply.write(std::move(piece));
      const std::error_code failed = co_await std::move(writing);
      if (failed) co_return;
      continue;
    }
    if (!command.follow || place.ended()) co_return;
    auto waiting = wait_for(reader);
    const std::error_code why = co_await cancelled_by(place.end(), std::move(waiting));
    if (why && !place.ended()) co_return;
  }
}

task<void> control_api::stream_log(control_command command, http_responder& reply) {
  const context here = co_await this_context();
  followers::place place(followers_, here.cancellation);
  instance_log* log = target_.log(command.name);
  if (!place || log == nullptr) {
    http_response refusal = log == nullptr ? unknown_name(command)
                                           : error_response(503, "too many follow already; end one and try again");
    auto refusing = reply.send(std::move(refusal));
    co_await std::move(refusing);
    co_return;
  }
  // In one step, so that no line is missed between them or shown twice. The log may be gone after the first wait.
  log_follower follower(logs_, command.name);
  log->flush();
  std::vector<std::string> kept = log->tail(command.lines);
  std::size_t first = 0;
  auto opening = reply.begin(http_response(200, "text/plain; charset=utf-8", {}));
  const std::error_code unopened = co_await std::move(opening);
  if (unopened) co_return;
  for (;;) {
    std::string piece = take_lines(kept, first);
    if (piece.empty() && command.follow) piece = take_lines(follower, clock_.wall());
    if (!piece.empty()) {
      auto writing = reply.write(std::move(piece));
      const std::error_code failed = co_await std::move(writing);
      if (failed) co_return;
      continue;
    }
    if (!command.follow || place.ended()) co_return;
    auto waiting = wait_for(follower);
    const std::error_code why = co_await cancelled_by(place.end(), std::move(waiting));
    if (why && !place.ended()) co_return;
  }
}

task<command_result> control_api::execute(control_command command) {
  task<command_result> running;
  switch (command.action) {
    case control_action::start: running = target_.start(std::move(command.name), command.wait); break;
    case control_action::stop: running = target_.stop(std::move(command.name)); break;
    default: running = target_.restart(std::move(command.name), command.wait); break;
  }
  co_return co_await std::move(running);
}

// Ends when nobody waits for the answer any more.
task<void> control_api::watch_peer(http_responder& reply) {
  while (!reply.peer_gone()) {
    const std::error_code failed = co_await clock_.sleep_for(std::chrono::seconds(1));
    if (failed) co_return;
  }
}

task<void> control_api::run_command(control_command command, http_responder& reply) {
  if (!knows(command) || waiting_commands_ >= max_waiting_commands) {
    http_response refusal = !knows(command) ? unknown_name(command)
                                            : error_response(503, "too many commands are waiting; try again later");
    auto refusing = reply.send(std::move(refusal));
    co_await std::move(refusing);
    co_return;
  }
  const counted waiting(waiting_commands_);
  // Without `wait` the command has one step to say that it cannot be done. A command goes on when its caller leaves.
  const auto one_step = []() -> task<void> { co_await yield(); };
  auto patience = command.wait ? watch_peer(reply) : one_step();
  auto execution = execute(std::move(command));
  auto both = race(std::move(execution), std::move(patience));
  auto ended = co_await both;
  const command_result& outcome = ended.get<0>();
  const bool refused = outcome.status == command_result::outcome::refused ||
                       outcome.status == command_result::outcome::unknown_name;
  http_response response = ended.winner == 0 || refused ? outcome_response(outcome) : accepted(202);
  auto sending = reply.send(std::move(response));
  co_await std::move(sending);
}

}  // namespace hale
