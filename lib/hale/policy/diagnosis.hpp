// What is wrong with a process, from its vitals alone (behaviour, section 5). Pure: the same vitals at the same moment
// always give the same diagnosis.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/time.hpp"
#include "hale/policy/cause.hpp"

namespace hale {

enum class health_status { healthy, degraded, unhealthy, dead };
std::string_view to_string(health_status status) noexcept;

struct health_thresholds {
  bool heartbeats_expected = true;  ///< false: drift is off
  duration heartbeat_expected = std::chrono::seconds(15);
  duration heartbeat_drift_threshold = std::chrono::seconds(5);  ///< REQUIRES: <= 2 * heartbeat_expected
  std::uint32_t max_consecutive_failures = 3;
  double degraded_error_rate = 0.1;
  double unhealthy_error_rate = 0.5;
  std::optional<std::uint64_t> memory_soft_bytes;
  std::optional<std::uint64_t> memory_hard_bytes;
  friend bool operator==(const health_thresholds&, const health_thresholds&) = default;
};

struct diagnosis {
  health_status status = health_status::healthy;
  std::optional<hale::cause> cause;  ///< none exactly when healthy
  std::string reason;                ///< one line that a person understands; empty exactly when healthy
  friend bool operator==(const diagnosis&, const diagnosis&) = default;
};

struct vitals;

/// The first condition met in the order of the table decides. Comparisons are strict, except for the failures.
diagnosis diagnose(const vitals& seen, const health_thresholds& limits, instant now);

}  // namespace hale
