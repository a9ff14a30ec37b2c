// What is observed of one incarnation, kept as the few numbers a diagnosis rests on. Plain data with the rules of how
// an observation changes it; whoever watches records, `diagnose` reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hale/base/time.hpp"
#include "hale/policy/cause.hpp"

namespace hale {

struct vitals {
  instant last_heartbeat{};                  ///< or whatever counts as one; the moment of birth until the first
  std::uint32_t consecutive_failures = 0;    ///< of probes and requests, since the last success of any kind
  double error_rate = 0.0;                   ///< moving average over the reported requests, 0 to 1
  duration avg_response{};                   ///< moving average; the first sample sets it
  std::uint64_t requests = 0;                ///< reported so far
  std::uint64_t rss_bytes = 0;               ///< of the whole tree, as last measured; 0: unknown
  bool progressing = false;                  ///< known to make progress now: never called dead for its drift
  double average_weight = 0.1;               ///< of a new sample. REQUIRES: in (0, 1]
  std::optional<hale::cause> failure_cause;  ///< of the last failure, while consecutive_failures > 0
  std::string failure_text;                  ///< likewise: what went wrong, for people
  std::optional<hale::cause> exit_cause;     ///< set once the process is gone
  std::string exit_text;

  vitals() = default;
  explicit vitals(instant born) : last_heartbeat(born) {}

  void record_heartbeat(instant now);
  /// Where heartbeats are configured: resets the failures, says nothing about heartbeats.
  void record_probe_success();
  /// Where none are configured and a probe success counts as one.
  void record_probe_success(instant now);
  void record_probe_failure(hale::cause why, std::string text);
  void record_request(duration took, bool success);
  void record_exit(hale::cause why, std::string text);

  friend bool operator==(const vitals&, const vitals&) = default;
};

}  // namespace hale
