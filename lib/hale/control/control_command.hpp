// A request to the control API, understood: which route, with which parameters, all within their bounds. Pure: the same
// request always gives the same command or the same refusal. Whether the names in it exist is not known here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "hale/base/result.hpp"
#include "hale/base/time.hpp"
#include "hale/wire/http_message.hpp"

namespace hale {

enum class control_action {
  status, events, log, start, stop, restart, rollout, heartbeat, heartbeat_port, report_request, reload, stop_cluster,
};

/// Where to begin in the history: after an event of that number, so long ago, or at a time; nothing: with the oldest.
using event_origin = std::variant<std::monostate, std::uint64_t, duration, wall_time>;

struct control_command {
  control_action action = control_action::status;
  bool of_service = false;  ///< `name` is a service's, else an instance's
  std::string name;
  std::uint16_t port = 0;
  bool wait = true;
  bool follow = false;
  std::size_t lines = 100;
  event_origin since;
  duration took{};
  bool ok = false;
};

/// Why there is no answer, in one line that also says what to do next.
struct control_error {
  int status = 400;
  std::string message;
  std::string allow;  ///< methods the path takes, where the status is 405
};

inline constexpr std::size_t max_log_lines = 100'000;
inline constexpr duration max_reported_request = std::chrono::hours(24);

result<control_command, control_error> read_command(const http_request& request);

}  // namespace hale
