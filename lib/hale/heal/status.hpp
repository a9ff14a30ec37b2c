// A snapshot of a cluster for people and programs: what `hale status --json` shows (behaviour, section 12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hale/base/ids.hpp"
#include "hale/base/time.hpp"
#include "hale/policy/cause.hpp"
#include "hale/policy/diagnosis.hpp"
#include "hale/policy/lifecycle.hpp"

namespace hale {

/// Absent optionals and empty texts are null in JSON.
struct instance_status {
  std::string name;
  std::uint32_t index = 0;
  std::uint16_t port = 0;  ///< 0: none
  std::int64_t pid = 0;    ///< 0: none
  instance_state state = instance_state::stopped;
  std::optional<health_status> health;  ///< only while serving
  std::optional<hale::cause> cause;     ///< only while something is wrong
  std::string reason;                   ///< likewise
  incarnation_number incarnation{};
  std::uint32_t attempt = 0;   ///< restart attempts used up since it was last stable
  std::uint64_t restarts = 0;  ///< since the supervisor started
  std::optional<duration> uptime;
  std::optional<duration> heartbeat_age;
  std::optional<double> error_rate;
  std::optional<duration> response;  ///< moving average
  std::uint32_t consecutive_failures = 0;
  std::string last_action;
  std::optional<wall_time> last_action_at;
  std::optional<hale::cause> last_cause;
  std::string last_reason;
  std::uint64_t log_lines_lost = 0;
};

struct service_status {
  std::string name;
  std::uint32_t target = 0;   ///< instances wanted
  std::uint32_t serving = 0;
  std::vector<instance_status> instances;
};

struct cluster_status {
  std::string cluster;
  std::int64_t pid = 0;
  std::string version;
  duration uptime{};
  std::uint64_t reports_rejected = 0;  ///< heartbeats, reports and notifications that were nobody's or malformed
  std::vector<service_status> services;
};

}  // namespace hale
