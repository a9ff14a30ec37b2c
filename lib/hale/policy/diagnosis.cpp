#include "hale/policy/diagnosis.hpp"

#include <fmt/format.h>

#include <utility>

#include "hale/base/text.hpp"
#include "hale/policy/vitals.hpp"

namespace hale {
namespace {

/// A length of time as a person says it: whole seconds, or milliseconds when it is short.
std::string spoken(duration length) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  if (length < seconds(10)) return format_duration(std::chrono::floor<milliseconds>(length));
  return format_duration(std::chrono::floor<seconds>(length));
}

/// In tenths of a MiB, so that the sizes measured read as well as those configured.
std::string spoken_size(std::uint64_t bytes) {
  constexpr std::uint64_t mebibyte = 1 << 20;
  if (bytes % mebibyte == 0 || bytes < mebibyte) return format_size(bytes);
  return fmt::format("{}.{}MiB", bytes / mebibyte, bytes % mebibyte * 10 / mebibyte);
}

diagnosis silent(health_status status, duration drift, const health_thresholds& limits) {
  return {
      status, cause::no_heartbeat,
      fmt::format("no heartbeat for {}, expected every {}", spoken(drift), format_duration(limits.heartbeat_expected))};
}

diagnosis failing(const vitals& seen) {
  const char* what = seen.consecutive_failures == 1 ? "failure" : "consecutive failures";
  std::string reason = fmt::format("{} {}", seen.consecutive_failures, what);
  if (!seen.failure_text.empty()) reason += ": " + seen.failure_text;
  return {health_status::unhealthy, seen.failure_cause.value_or(cause::probe_failed), std::move(reason)};
}

diagnosis erring(health_status status, double rate, double limit) {
  return {status, cause::high_error_rate, fmt::format("error rate {:.3g}, above {:.3g}", rate, limit)};
}

diagnosis too_large(health_status status, std::uint64_t bytes, std::uint64_t limit) {
  const char* which = status == health_status::unhealthy ? "hard" : "soft";
  return {status, cause::memory_limit,
          fmt::format("{} of memory in use, over the {} limit of {}", spoken_size(bytes), which, spoken_size(limit))};
}

}  // namespace

std::string_view to_string(health_status status) noexcept {
  switch (status) {
    case health_status::healthy: return "healthy";
    case health_status::degraded: return "degraded";
    case health_status::unhealthy: return "unhealthy";
    case health_status::dead: return "dead";
  }
  return "unknown";
}

diagnosis diagnose(const vitals& seen, const health_thresholds& limits, instant now) {
  using enum health_status;
  if (seen.exit_cause) return {dead, seen.exit_cause, seen.exit_text.empty() ? "the process is gone" : seen.exit_text};

  const instant last = seen.last_heartbeat;
  const duration expected = limits.heartbeat_expected;
  const auto silent_for_more_than = [&](duration span) {
    return limits.heartbeats_expected && now > saturating_add(last, span);
  };
  const duration three_expected =
      saturating_add(saturating_add(instant(expected), expected), expected).time_since_epoch();
  const duration late = saturating_add(instant(expected), limits.heartbeat_drift_threshold).time_since_epoch();

  if (silent_for_more_than(three_expected) && !seen.progressing) return silent(dead, now - last, limits);
  if (seen.consecutive_failures > 0 && seen.consecutive_failures >= limits.max_consecutive_failures) {
    return failing(seen);
  }
  if (seen.error_rate > limits.unhealthy_error_rate) {
    return erring(unhealthy, seen.error_rate, limits.unhealthy_error_rate);
  }
  if (limits.memory_hard_bytes && seen.rss_bytes > *limits.memory_hard_bytes) {
    return too_large(unhealthy, seen.rss_bytes, *limits.memory_hard_bytes);
  }
  if (silent_for_more_than(late)) return silent(degraded, now - last, limits);
  if (seen.error_rate > limits.degraded_error_rate) {
    return erring(degraded, seen.error_rate, limits.degraded_error_rate);
  }
  if (limits.memory_soft_bytes && seen.rss_bytes > *limits.memory_soft_bytes) {
    return too_large(degraded, seen.rss_bytes, *limits.memory_soft_bytes);
  }
  return {};
}

}  // namespace hale
