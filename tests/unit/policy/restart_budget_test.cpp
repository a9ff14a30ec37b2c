#include "hale/policy/restart_budget.hpp"

#include <boost/test/unit_test.hpp>

#include "hale/policy/disruption.hpp"
#include "hale/policy/repeat_guard.hpp"
#include "hale/policy/time_guard.hpp"

using namespace std::chrono_literals;
using decision = hale::restart_decision;
using kind = hale::restart_decision::kind;
using hale::restart_class;

BOOST_AUTO_TEST_CASE(attempts_back_off_until_they_are_used_up_then_it_cools) {
  hale::restart_budget budget({3, 60s, 5min});
  for (std::uint32_t n = 1; n <= 3; ++n) {
    BOOST_CHECK((budget.next(0s) == decision{kind::backoff, n}));
    BOOST_CHECK(!budget.exhausted());
  }
  for (int retry = 0; retry < 10; ++retry) {
    BOOST_CHECK((budget.next(59s) == decision{kind::cool, 3}));
    BOOST_CHECK(budget.exhausted());
    BOOST_CHECK_EQUAL(budget.attempt(), 3U);
  }
}

BOOST_AUTO_TEST_CASE(without_a_time_to_cool_it_gives_up) {
  hale::restart_budget budget({1, 60s, 0s});
  budget.next(0s);
  BOOST_CHECK(budget.next(0s).what == kind::give_up);
  BOOST_CHECK(budget.exhausted());
}

BOOST_AUTO_TEST_CASE(what_was_stable_is_restarted_at_once_and_begins_to_count_anew) {
  hale::restart_budget budget({3, 60s, 5min});
  for (int i = 0; i < 5; ++i) budget.next(0s);
  BOOST_CHECK((budget.next(60s) == decision{kind::now, 1}));
  BOOST_CHECK(!budget.exhausted());
  BOOST_CHECK((budget.next(1s) == decision{kind::backoff, 2}));
  BOOST_CHECK((budget.next(24h) == decision{kind::now, 1}));
}

BOOST_AUTO_TEST_CASE(a_person_gives_new_attempts) {
  hale::restart_budget budget({1, 60s, 5min});
  budget.next(0s);
  budget.next(0s);
  budget.reset();
  BOOST_CHECK_EQUAL(budget.attempt(), 0U);
  BOOST_CHECK((budget.next(0s) == decision{kind::backoff, 1}));
}

BOOST_AUTO_TEST_CASE(limits_of_zero_make_no_hot_loop) {
  hale::restart_budget no_attempts({0, 60s, 5min});
  BOOST_CHECK(no_attempts.next(0s).what == kind::cool);
  BOOST_CHECK(no_attempts.next(60s).what == kind::cool);
  hale::restart_budget no_stability({3, 0s, 5min});
  BOOST_CHECK(no_stability.next(0s).what == kind::backoff);
}

BOOST_AUTO_TEST_CASE(the_policy_decides_what_comes_back) {
  using enum hale::restart_when;
  BOOST_CHECK(hale::restart_wanted(always, hale::cause::exit_clean));
  BOOST_CHECK(hale::restart_wanted(always, hale::cause::crash));
  BOOST_CHECK(!hale::restart_wanted(on_failure, hale::cause::exit_clean));
  BOOST_CHECK(hale::restart_wanted(on_failure, hale::cause::exit_error));
  BOOST_CHECK(hale::restart_wanted(on_failure, hale::cause::oom_killed));
  BOOST_CHECK(!hale::restart_wanted(never, hale::cause::crash));
}

BOOST_AUTO_TEST_CASE(what_is_restarted_once_is_held_when_the_same_comes_again) {
  hale::repeat_guard guard;
  BOOST_CHECK(guard.admit(hale::cause::gpu_oom, restart_class::once) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::crash, restart_class::once) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::crash, restart_class::restart) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::gpu_oom, restart_class::restart) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::gpu_oom, restart_class::once) == restart_class::hold);
  guard.reset();
  BOOST_CHECK(guard.admit(hale::cause::unknown, restart_class::once) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::gpu_oom, restart_class::none) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::gpu_oom, restart_class::once) == restart_class::restart);
  BOOST_CHECK(guard.admit(hale::cause::config_error, restart_class::hold) == restart_class::hold);
}

BOOST_AUTO_TEST_CASE(verdicts_take_down_one_or_a_quarter_at_once) {
  BOOST_CHECK_EQUAL(hale::disruption_limit(0, 0), 1U);
  BOOST_CHECK_EQUAL(hale::disruption_limit(0, 3), 1U);
  BOOST_CHECK_EQUAL(hale::disruption_limit(0, 7), 1U);
  BOOST_CHECK_EQUAL(hale::disruption_limit(0, 8), 2U);
  BOOST_CHECK_EQUAL(hale::disruption_limit(5, 8), 5U);
  BOOST_CHECK(hale::may_disrupt(0, 1));
  BOOST_CHECK(!hale::may_disrupt(1, 1));
  BOOST_CHECK(!hale::may_disrupt(2, 1));
}

BOOST_AUTO_TEST_CASE(when_all_of_three_or_more_fail_together_the_cause_is_elsewhere) {
  BOOST_CHECK(!hale::correlated(0, 0));
  BOOST_CHECK(!hale::correlated(2, 2));
  BOOST_CHECK(!hale::correlated(3, 2));
  BOOST_CHECK(hale::correlated(3, 3));
  BOOST_CHECK(hale::correlated(8, 8));
}

BOOST_AUTO_TEST_CASE(a_timer_more_than_two_seconds_late_means_that_hale_itself_slept) {
  const hale::instant due{100s};
  BOOST_CHECK(!hale::stalled(due, due));
  BOOST_CHECK(!hale::stalled(due, due + 2s));
  BOOST_CHECK(hale::stalled(due, due + 2s + 1ns));
  BOOST_CHECK(!hale::stalled(due, due - 50s));
  BOOST_CHECK(!hale::stalled(hale::instant::max(), hale::instant::max()));
}
