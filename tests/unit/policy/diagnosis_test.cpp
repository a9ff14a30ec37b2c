#include "hale/policy/diagnosis.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "hale/policy/health_tracker.hpp"
#include "hale/policy/remedy.hpp"
#include "hale/policy/vitals.hpp"

using namespace std::chrono_literals;
using enum hale::health_status;

namespace {

constexpr hale::instant born{1000s};

hale::diagnosis after(hale::duration drift, const hale::vitals& seen = hale::vitals(born)) {
  return hale::diagnose(seen, {}, born + drift);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_newborn_is_healthy_and_nothing_is_said_about_it) {
  const auto verdict = after(0s);
  BOOST_CHECK(verdict == hale::diagnosis());
  BOOST_CHECK(verdict.status == healthy && !verdict.cause && verdict.reason.empty());
}

BOOST_AUTO_TEST_CASE(silence_degrades_beyond_the_drift_and_kills_beyond_three_times_the_expected) {
  BOOST_CHECK(after(20s).status == healthy);
  BOOST_CHECK(after(20s + 1ns).status == degraded);
  BOOST_CHECK(after(45s).status == degraded);
  const auto dead_now = after(46s);
  BOOST_CHECK(after(45s + 1ns).status == dead && dead_now.status == dead);
  BOOST_CHECK(dead_now.cause == hale::cause::no_heartbeat);
  BOOST_CHECK_EQUAL(dead_now.reason, "no heartbeat for 46s, expected every 15s");
}

BOOST_AUTO_TEST_CASE(drift_is_off_where_no_heartbeats_are_expected) {
  hale::health_thresholds limits;
  limits.heartbeats_expected = false;
  BOOST_CHECK(hale::diagnose(hale::vitals(born), limits, born + 24h).status == healthy);
}

BOOST_AUTO_TEST_CASE(what_progresses_is_never_dead_for_its_silence) {
  hale::vitals seen(born);
  seen.progressing = true;
  BOOST_CHECK(after(24h, seen).status == degraded);
}

BOOST_AUTO_TEST_CASE(an_interval_without_end_never_runs_out) {
  hale::health_thresholds limits;
  limits.heartbeat_expected = hale::duration::max();
  BOOST_CHECK(hale::diagnose(hale::vitals(born), limits, hale::instant::max()).status == healthy);
}

BOOST_AUTO_TEST_CASE(the_third_failure_in_a_row_is_one_too_many) {
  hale::vitals seen(born);
  for (int i = 0; i < 2; ++i) seen.record_probe_failure(hale::cause::probe_failed, "refused");
  BOOST_CHECK(after(1s, seen).status == healthy);
  seen.record_probe_failure(hale::cause::hung, "connected, but no answer within 3s");
  const auto verdict = after(1s, seen);
  BOOST_CHECK(verdict.status == unhealthy && verdict.cause == hale::cause::hung);
  BOOST_CHECK_EQUAL(verdict.reason, "3 consecutive failures: connected, but no answer within 3s");
}

BOOST_AUTO_TEST_CASE(one_failure_can_be_enough_and_none_never_is) {
  hale::health_thresholds limits;
  limits.max_consecutive_failures = 1;
  hale::vitals seen(born);
  BOOST_CHECK(hale::diagnose(seen, limits, born).status == healthy);
  seen.record_request(0s, false);
  const auto verdict = hale::diagnose(seen, limits, born);
  BOOST_CHECK(verdict.status == unhealthy && verdict.cause == hale::cause::high_error_rate);
  BOOST_CHECK_EQUAL(verdict.reason, "1 failure");
  limits.max_consecutive_failures = 0;
  BOOST_CHECK(hale::diagnose(hale::vitals(born), limits, born).status == healthy);
}

BOOST_AUTO_TEST_CASE(a_success_of_any_kind_resets_the_failures) {
  for (int kind = 0; kind < 4; ++kind) {
    hale::vitals seen(born);
    for (int i = 0; i < 3; ++i) seen.record_probe_failure(hale::cause::hung, "slow");
    if (kind == 0) seen.record_heartbeat(born + 5s);
    if (kind == 1) seen.record_probe_success(born + 5s);
    if (kind == 2) seen.record_probe_success();
    if (kind == 3) seen.record_request(1ms, true);
    BOOST_CHECK_EQUAL(seen.consecutive_failures, 0U);
    BOOST_CHECK(!seen.failure_cause && seen.failure_text.empty());
    BOOST_CHECK((seen.last_heartbeat == born + 5s) == (kind < 2));
  }
}

BOOST_AUTO_TEST_CASE(heartbeats_that_arrive_late_do_not_turn_time_back) {
  hale::vitals seen(born);
  seen.record_heartbeat(born - 5s);
  BOOST_CHECK(seen.last_heartbeat == born);
}

BOOST_AUTO_TEST_CASE(error_rates_are_judged_strictly) {
  hale::vitals seen(born);
  seen.error_rate = 0.1;
  BOOST_CHECK(after(0s, seen).status == healthy);
  seen.error_rate = std::nextafter(0.1, 1);
  BOOST_CHECK(after(0s, seen).status == degraded);
  seen.error_rate = 0.5;
  BOOST_CHECK(after(0s, seen).status == degraded);
  seen.error_rate = 0.523;
  const auto verdict = after(0s, seen);
  BOOST_CHECK(verdict.status == unhealthy && verdict.cause == hale::cause::high_error_rate);
  BOOST_CHECK_EQUAL(verdict.reason, "error rate 0.523, above 0.5");
}

BOOST_AUTO_TEST_CASE(a_single_failed_request_does_not_pass_the_degraded_threshold) {
  hale::vitals seen(born);
  seen.record_request(1ms, false);
  BOOST_CHECK(after(0s, seen).status == healthy);
  seen.record_request(1ms, true);
  BOOST_CHECK_LT(seen.error_rate, 0.1);
}

BOOST_AUTO_TEST_CASE(averages_move_by_their_weight_and_the_first_response_sets_its_own) {
  hale::vitals seen(born);
  seen.record_request(100ms, true);
  BOOST_CHECK(seen.avg_response == 100ms);
  seen.record_request(200ms, true);
  BOOST_CHECK(seen.avg_response == 110ms);
  seen.record_request(0ms, true);
  BOOST_CHECK(seen.avg_response == 99ms);
  seen.record_request(-5s, true);
  BOOST_CHECK(seen.avg_response == 89'100us);
  seen.average_weight = 0.5;
  seen.record_request(0ms, false);
  BOOST_CHECK(seen.avg_response == 44'550us);
  BOOST_CHECK_CLOSE(seen.error_rate, 0.5, 1e-9);
  seen.record_request(hale::duration::max(), false);
  BOOST_CHECK(seen.avg_response > hale::duration::max() / 3);
}

BOOST_AUTO_TEST_CASE(memory_degrades_above_the_soft_limit_and_is_unhealthy_above_the_hard_one) {
  hale::health_thresholds limits;
  limits.memory_soft_bytes = 6ULL << 30;
  limits.memory_hard_bytes = 8ULL << 30;
  hale::vitals seen(born);
  seen.rss_bytes = 6ULL << 30;
  BOOST_CHECK(hale::diagnose(seen, limits, born).status == healthy);
  ++seen.rss_bytes;
  auto verdict = hale::diagnose(seen, limits, born);
  BOOST_CHECK(verdict.status == degraded && verdict.cause == hale::cause::memory_limit);
  seen.rss_bytes = 8ULL << 30;
  BOOST_CHECK(hale::diagnose(seen, limits, born).status == degraded);
  seen.rss_bytes += 600 << 10;
  verdict = hale::diagnose(seen, limits, born);
  BOOST_CHECK(verdict.status == unhealthy && verdict.cause == hale::cause::memory_limit);
  BOOST_CHECK_EQUAL(verdict.reason, "8192.5MiB of memory in use, over the hard limit of 8GiB");
}

BOOST_AUTO_TEST_CASE(what_has_exited_is_dead_whatever_else_is_known) {
  hale::vitals seen(born);
  seen.record_exit(hale::cause::crash, "killed by SIGSEGV");
  const auto verdict = after(0s, seen);
  BOOST_CHECK(verdict.status == dead && verdict.cause == hale::cause::crash);
  BOOST_CHECK_EQUAL(verdict.reason, "killed by SIGSEGV");
}

BOOST_AUTO_TEST_CASE(a_degraded_instance_is_healthy_again_after_two_clean_evaluations_in_a_row) {
  hale::health_tracker tracker;
  const hale::diagnosis slow{degraded, hale::cause::no_heartbeat, "late"};
  BOOST_CHECK(tracker.update({}).status == healthy);
  BOOST_CHECK(tracker.update(slow) == slow);
  BOOST_CHECK(tracker.update({}) == slow);
  BOOST_CHECK(tracker.update(slow) == slow);  // not in a row
  BOOST_CHECK(tracker.update({}) == slow);
  BOOST_CHECK(tracker.update({}) == hale::diagnosis());
  BOOST_CHECK(tracker.published() == hale::diagnosis());
}

BOOST_AUTO_TEST_CASE(getting_worse_shows_at_once_and_recovery_passes_through_degraded) {
  hale::health_tracker tracker;
  const hale::diagnosis sick{unhealthy, hale::cause::hung, "3 consecutive failures"};
  BOOST_CHECK(tracker.update(sick) == sick);
  const auto recovering = tracker.update({});
  BOOST_CHECK(recovering.status == degraded && recovering.cause == hale::cause::hung);
  BOOST_CHECK(tracker.update({}).status == healthy);
  tracker.update(sick);
  tracker.reset();
  BOOST_CHECK(tracker.published() == hale::diagnosis());
}

BOOST_AUTO_TEST_CASE(the_sick_are_restarted_while_attempts_remain_and_then_a_person_is_told) {
  for (bool remain : {true, false}) {
    BOOST_CHECK(hale::choose(healthy, remain) == hale::remedy_action::none);
    BOOST_CHECK(hale::choose(degraded, remain) == hale::remedy_action::none);
    const auto expected = remain ? hale::remedy_action::restart : hale::remedy_action::alert;
    BOOST_CHECK(hale::choose(unhealthy, remain) == expected);
    BOOST_CHECK(hale::choose(dead, remain) == expected);
  }
  BOOST_CHECK_EQUAL(hale::to_string(hale::remedy_action::scale_down), "scale_down");
  BOOST_CHECK_EQUAL(hale::to_string(unhealthy), "unhealthy");
}
