// The control API: answers each request from what a supervisor, its history and its logs say. Requests share nothing, so
// a command that takes minutes holds up no other; how many commands wait and how many followers there are is bounded. A
// client that goes away stops waiting, the command goes on.
//
// Success is 200 (202 where the work goes on after the answer); every refusal is {"error": "one line"}:
//   400 malformed · 403 not allowed · 404 no such route or name · 405 · 409 refused or failed · 501 not yet · 503 too many
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hale/async/task.hpp"
#include "hale/control/control_access.hpp"
#include "hale/control/control_command.hpp"
#include "hale/control/control_target.hpp"
#include "hale/control/followers.hpp"
#include "hale/record/followed_log_store.hpp"
#include "hale/record/history.hpp"
#include "hale/wire/http_server.hpp"
#include "hale/world/clock.hpp"

namespace hale {

/// All references outlive it, and it outlives its requests.
class control_api final : public http_handler {
 public:
  static constexpr std::size_t max_waiting_commands = 24;
  static constexpr std::size_t max_followers = 24;

  control_api(const hale::clock& time, control_target& target, history& events, followed_log_store& logs,
              control_access access);

  task<void> handle(http_request request, http_responder& reply, http_peer peer) override;

  /// Those who follow a stream. When ended they have all that has happened so far.
  followers& following() noexcept { return followers_; }

 private:
  task<void> obey(control_command command, http_responder& reply);
  task<void> stream_events(control_command command, http_responder& reply);
  task<void> stream_log(control_command command, http_responder& reply);
  task<void> run_command(control_command command, http_responder& reply);
  task<command_result> execute(control_command command);
  task<void> watch_peer(http_responder& reply);

  http_response answer(const control_command& command);
  http_response unknown_name(const control_command& command) const;
  std::vector<std::string_view> names(bool of_services) const;
  bool knows(const control_command& command) const;
  std::uint64_t beginning(const event_origin& since) const;

  const hale::clock& clock_;
  control_target& target_;
  history& history_;
  followed_log_store& logs_;
  control_access access_;
  followers followers_;
  std::size_t waiting_commands_ = 0;
};

}  // namespace hale
