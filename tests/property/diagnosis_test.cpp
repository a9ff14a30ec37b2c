// The diagnosis against the table of behaviour, section 5, transcribed once more in the plainest way, on values that
// lie on, just below and just above every limit.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>

#include "hale/policy/diagnosis.hpp"
#include "hale/policy/vitals.hpp"

namespace {

using hale::duration;
using enum hale::health_status;

constexpr std::int64_t second = 1'000'000'000;

hale::health_status transcribed(const hale::vitals& seen, const hale::health_thresholds& t, duration drift) {
  const duration none = duration::max();
  const duration dead_after = t.heartbeats_expected && !seen.progressing ? 3 * t.heartbeat_expected : none;
  const duration late_after = t.heartbeats_expected ? t.heartbeat_expected + t.heartbeat_drift_threshold : none;
  if (seen.exit_cause) return dead;
  if (drift > dead_after) return dead;
  if (seen.consecutive_failures >= t.max_consecutive_failures) return unhealthy;
  if (seen.error_rate > t.unhealthy_error_rate) return unhealthy;
  if (seen.rss_bytes > t.memory_hard_bytes.value_or(UINT64_MAX)) return unhealthy;
  if (drift > late_after) return degraded;
  if (seen.error_rate > t.degraded_error_rate) return degraded;
  if (seen.rss_bytes > t.memory_soft_bytes.value_or(UINT64_MAX)) return degraded;
  return healthy;
}

std::int64_t near(std::int64_t limit) { return limit + *rc::gen::inRange<std::int64_t>(-1, 2); }

hale::health_thresholds any_limits() {
  hale::health_thresholds limits;
  limits.heartbeats_expected = *rc::gen::weightedElement<bool>({{4, true}, {1, false}});
  const auto expected = *rc::gen::inRange<std::int64_t>(1, 60) * second;
  limits.heartbeat_expected = duration(expected);
  limits.heartbeat_drift_threshold = duration(*rc::gen::inRange<std::int64_t>(0, 2 * expected + 1));
  limits.max_consecutive_failures = *rc::gen::inRange<std::uint32_t>(1, 5);
  limits.degraded_error_rate = *rc::gen::inRange(0, 5) / 10.0;
  limits.unhealthy_error_rate = *rc::gen::inRange(5, 10) / 10.0;
  if (*rc::gen::arbitrary<bool>()) limits.memory_soft_bytes = 1000;
  if (*rc::gen::arbitrary<bool>()) limits.memory_hard_bytes = 2000;
  return limits;
}

hale::vitals any_vitals(const hale::health_thresholds& limits) {
  hale::vitals seen(hale::instant(duration(*rc::gen::inRange<std::int64_t>(0, 1'000'000))));
  seen.consecutive_failures = *rc::gen::inRange<std::uint32_t>(0, limits.max_consecutive_failures + 2);
  if (*rc::gen::inRange(0, 2) == 0) seen.consecutive_failures = 0;
  seen.error_rate = *rc::gen::element(0.0, limits.degraded_error_rate, limits.degraded_error_rate + 1e-12,
                                      limits.unhealthy_error_rate, limits.unhealthy_error_rate + 1e-12, 1.0);
  if (*rc::gen::inRange(0, 2) == 0) seen.error_rate = 0;
  seen.rss_bytes = static_cast<std::uint64_t>(*rc::gen::element<std::int64_t>(0, near(1000), near(2000)));
  seen.progressing = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
  if (*rc::gen::inRange(0, 20) == 0) seen.record_exit(hale::cause::crash, "gone");
  return seen;
}

duration any_drift(const hale::health_thresholds& limits) {
  const std::int64_t expected = limits.heartbeat_expected.count();
  const std::int64_t late = expected + limits.heartbeat_drift_threshold.count();
  return duration(*rc::gen::element<std::int64_t>(0, near(late), near(3 * expected), 100 * expected));
}

}  // namespace

RC_BOOST_PROP(the_diagnosis_is_that_of_the_table_at_every_limit, ()) {
  const auto limits = any_limits();
  const auto seen = any_vitals(limits);
  const auto drift = any_drift(limits);
  const auto verdict = hale::diagnose(seen, limits, seen.last_heartbeat + drift);
  RC_ASSERT(verdict.status == transcribed(seen, limits, drift));
}

RC_BOOST_PROP(whoever_is_not_healthy_is_told_why_in_one_line, ()) {
  const auto limits = any_limits();
  const auto seen = any_vitals(limits);
  const auto verdict = hale::diagnose(seen, limits, seen.last_heartbeat + any_drift(limits));
  RC_ASSERT(verdict.cause.has_value() == (verdict.status != healthy));
  RC_ASSERT(verdict.reason.empty() == (verdict.status == healthy));
  RC_ASSERT(verdict.reason.find('\n') == std::string::npos);
}

RC_BOOST_PROP(averages_stay_between_their_samples, ()) {
  hale::vitals seen;
  seen.average_weight = *rc::gen::element(0.1, 0.5, 1.0);
  const auto samples = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::pair<std::int64_t, bool>>>(
      rc::gen::pair(rc::gen::inRange<std::int64_t>(0, 100 * second), rc::gen::arbitrary<bool>())));
  std::int64_t least = samples.front().first;
  std::int64_t most = least;
  std::uint32_t failures = 0;
  for (const auto& [took, ok] : samples) {
    seen.record_request(duration(took), ok);
    least = std::min(least, took);
    most = std::max(most, took);
    failures = ok ? 0 : failures + 1;
    RC_ASSERT(seen.avg_response.count() >= least && seen.avg_response.count() <= most);
    RC_ASSERT(seen.error_rate >= 0.0 && seen.error_rate <= 1.0);
    RC_ASSERT(seen.consecutive_failures == failures);
  }
}
