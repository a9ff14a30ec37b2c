#include "hale/policy/vitals.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace hale {
namespace {

void forget_failures(vitals& seen) {
  seen.consecutive_failures = 0;
  seen.failure_cause.reset();
  seen.failure_text.clear();
}

void add_failure(vitals& seen, cause why, std::string text) {
  if (seen.consecutive_failures < std::numeric_limits<std::uint32_t>::max()) ++seen.consecutive_failures;
  seen.failure_cause = why;
  seen.failure_text = std::move(text);
}

/// In whole parts per million, for times are integers.
duration moved_towards(duration average, duration sample, double weight) {
  const auto parts = static_cast<std::int64_t>(weight * 1e6);
  const std::int64_t gap = (sample - average).count();
  return average + duration(gap / 1'000'000 * parts + gap % 1'000'000 * parts / 1'000'000);
}

}  // namespace

void vitals::record_heartbeat(instant now) {
  last_heartbeat = std::max(last_heartbeat, now);
  forget_failures(*this);
}

void vitals::record_probe_success() { forget_failures(*this); }

void vitals::record_probe_success(instant now) { record_heartbeat(now); }

void vitals::record_probe_failure(hale::cause why, std::string text) { add_failure(*this, why, std::move(text)); }

void vitals::record_request(duration took, bool success) {
  took = std::max(took, duration::zero());
  avg_response = requests == 0 ? took : moved_towards(avg_response, took, average_weight);
  error_rate += ((success ? 0.0 : 1.0) - error_rate) * average_weight;
  ++requests;
  if (success) {
    forget_failures(*this);
  } else {
    add_failure(*this, cause::high_error_rate, std::string());
  }
}

void vitals::record_exit(hale::cause why, std::string text) {
  exit_cause = why;
  exit_text = std::move(text);
}

}  // namespace hale
