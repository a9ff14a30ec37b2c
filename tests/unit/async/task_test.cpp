#include "hale/async/task.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "hale/async/race.hpp"
#include "hale/async/suspension.hpp"
#include "support/manual_executor.hpp"

using namespace std::chrono_literals;
using namespace hale;

namespace {

task<std::string> slow(instant until, std::string text) {
  const std::error_code why = co_await sleep_until(until);
  co_return why ? "cancelled " + text : text;
}

task<int> failing() {
  throw std::runtime_error("broken");
  co_return 0;
}

/// Tells when its coroutine frame goes.
task<void> holding(std::shared_ptr<int> token) {
  co_await sleep_until(instant(1h));
  token.reset();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_task_does_not_run_before_it_is_awaited) {
  bool ran = false;
  auto body = [&]() -> task<void> {
    ran = true;
    co_return;
  };
  { auto unawaited = body(); }
  BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(an_exception_reaches_the_awaiter) {
  test::manual_executor executor;
  BOOST_CHECK_THROW(executor.run(failing()), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(awaits_in_a_loop_need_no_stack) {
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  constexpr int rounds = 1'000'000;
#else
  constexpr int rounds = 1'000;  // symmetric transfer is a tail call only in optimised builds
#endif
  test::manual_executor executor;
  auto one = []() -> task<int> { co_return 1; };
  auto body = [&]() -> task<int> {
    int sum = 0;
    for (int i = 0; i < rounds; ++i) sum += co_await one();
    co_return sum;
  };
  BOOST_TEST(executor.run(body()) == rounds);
}

BOOST_AUTO_TEST_CASE(destroying_a_suspended_task_destroys_all_below_it_and_disarms_its_timer) {
  test::manual_executor executor;
  auto token = std::make_shared<int>(1);
  {
    root<void> driven(executor, holding(token));
    executor.run_ready();
    BOOST_TEST(token.use_count() == 2);
  }
  BOOST_TEST(token.use_count() == 1);
  executor.run_for(2h);
}

BOOST_AUTO_TEST_CASE(sleeping_until_a_moment_that_has_passed_ends_now_and_not_before) {
  test::manual_executor executor;
  executor.run_for(5s);
  BOOST_TEST(executor.run(slow(instant(1s), "woke")) == "woke");
  BOOST_TEST((executor.now() == instant(5s)));
}

BOOST_AUTO_TEST_CASE(cancellation_is_a_value_and_lasts_for_every_later_wait) {
  test::manual_executor executor;
  cancel_source source;
  std::vector<std::error_code> seen;
  auto body = [&]() -> task<void> {
    seen.push_back(co_await sleep_until(instant(1h)));
    seen.push_back(co_await sleep_until(instant(2h)));
  };
  root<void> driven(executor, body(), &source);
  executor.run_for(1s);
  source.cancel();
  executor.run_ready();
  BOOST_TEST(driven.done());
  BOOST_REQUIRE(seen.size() == 2U);
  BOOST_TEST((seen[0] == errc::cancelled));
  BOOST_TEST((seen[1] == errc::cancelled));
}

BOOST_AUTO_TEST_CASE(what_is_shielded_goes_on_after_cancellation) {
  test::manual_executor executor;
  cancel_source source;
  std::string outcome;
  auto body = [&]() -> task<void> {
    auto cleaning = slow(executor.now() + 10s, "cleaned up");
    outcome = co_await shielded(std::move(cleaning));
  };
  root<void> driven(executor, body(), &source);
  executor.run_for(1s);
  source.cancel();
  executor.run_for(20s);
  BOOST_TEST(driven.done());
  BOOST_TEST(outcome == "cleaned up");
}

BOOST_AUTO_TEST_CASE(a_child_source_is_cancelled_with_its_parent_and_not_the_other_way_round) {
  cancel_source parent;
  cancel_source child(&parent);
  cancel_source other(&parent);
  other.cancel();
  BOOST_TEST(!parent.cancelled());
  BOOST_TEST(!child.cancelled());
  parent.cancel();
  BOOST_TEST(child.cancelled());
  BOOST_TEST(cancel_source(&parent).cancelled());
}

BOOST_AUTO_TEST_CASE(a_race_cancels_its_losers_and_waits_for_them) {
  test::manual_executor executor;
  auto body = [&]() -> task<std::string> {
    auto contest = race(slow(instant(3s), "a"), slow(instant(1s), "b"), slow(instant(2s), "c"));
    auto outcome = co_await contest;
    co_return std::to_string(outcome.winner) + outcome.get<0>() + outcome.get<1>() + outcome.get<2>();
  };
  BOOST_TEST(executor.run(body()) == "1cancelled abcancelled c");
  BOOST_TEST((executor.now() == instant(1s)));
}

BOOST_AUTO_TEST_CASE(of_two_that_end_in_one_instant_the_left_one_wins) {
  test::manual_executor executor;
  auto body = [&]() -> task<std::size_t> {
    auto contest = race(slow(instant(1s), "a"), slow(instant(1s), "b"));
    const auto outcome = co_await contest;
    co_return outcome.winner;
  };
  BOOST_TEST(executor.run(body()) == 0U);
}

BOOST_AUTO_TEST_CASE(a_race_passes_on_cancellation_and_exceptions) {
  test::manual_executor executor;
  cancel_source source;
  std::string seen;
  auto body = [&]() -> task<void> {
    auto contest = race(slow(instant(1h), "a"), slow(instant(2h), "b"));
    auto outcome = co_await contest;
    seen = outcome.get<0>() + outcome.get<1>();
  };
  root<void> driven(executor, body(), &source);
  executor.run_ready();
  source.cancel();
  executor.run_ready();
  BOOST_TEST(driven.done());
  BOOST_TEST(seen == "cancelled acancelled b");

  auto broken = [&]() -> task<int> {
    auto contest = race(failing(), failing());
    auto outcome = co_await contest;
    co_return outcome.get<0>();
  };
  BOOST_CHECK_THROW(executor.run(broken()), std::runtime_error);
}
