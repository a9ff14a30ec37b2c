// The run loop itself: time, order, fairness, signals, and a whole program.
#include <signal.h>

#include "hale/async/scope.hpp"
#include "hale/run.hpp"
#include "os/fixture.hpp"

using namespace hale;
using namespace hale::test;

BOOST_AUTO_TEST_SUITE(loop)

BOOST_AUTO_TEST_CASE(a_sleep_ends_no_sooner_than_it_should) {
  checked_world here;
  const auto body = [](hale::clock& time) -> task<bool> {
    const instant until = time.now() + std::chrono::milliseconds(3);
    auto sleeping = time.sleep_until(until);
    const std::error_code failed = co_await sleeping;
    co_return !failed && time.now() >= until;
  };
  BOOST_TEST(here->run(body(here->view().clock)));
}

BOOST_AUTO_TEST_CASE(timers_end_in_the_order_of_their_moments) {
  checked_world here;
  const auto sleeper = [](instant until, int number, std::vector<int>& order) -> task<void> {
    co_await sleep_until(until);
    order.push_back(number);
  };
  const auto body = [&](instant now, std::vector<int>& order) -> task<void> {
    const context around = co_await this_context();
    scope children(around);
    children.spawn(sleeper(now + std::chrono::milliseconds(3), 3, order));
    children.spawn(sleeper(now + std::chrono::milliseconds(1), 1, order));
    children.spawn(sleeper(now - std::chrono::milliseconds(1), 0, order));
    children.spawn(sleeper(now + std::chrono::milliseconds(2), 2, order));
    co_await children.join();
  };
  std::vector<int> order;
  here->run(body(os::monotonic_now(), order));
  BOOST_TEST(order == (std::vector<int>{0, 1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(those_who_are_always_ready_do_not_starve_the_kernel_or_the_timers) {
  checked_world here;
  const auto busy = []() -> task<int> {
    for (;;) {
      co_await yield();
      const context around = co_await this_context();
      if (around.cancelled()) co_return 0;
    }
  };
  const auto ended = [](checked_world& world) -> task<int> {
    auto spawning = world->processes().spawn(shell("exit 4"));
    auto started = co_await std::move(spawning);
    if (!started) co_return -1;
    auto waiting = (*started)->wait(soon());
    const result<exit_status> status = co_await std::move(waiting);
    co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(1));
    co_return status && *status == exit_status(exited{4}) ? 4 : -1;
  };
  const auto both = [&]() -> task<int> {
    auto racing = race(ended(here), busy());
    auto outcome = co_await racing;
    co_return outcome.get<0>();
  };
  BOOST_TEST(here->run(both()) == 4);
}

BOOST_AUTO_TEST_CASE(signals_are_given_out_in_order_each_once) {
  checked_world here;
  const auto body = [](os::linux_world& world) -> task<std::vector<int>> {
    auto nothing = world.next_signal(deadline(os::monotonic_now()));
    const result<int> none = co_await std::move(nothing);
    BOOST_TEST((none.error_or_none() == errc::timed_out));
    std::vector<int> found;
    for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
      ::raise(number);
      auto waiting = world.next_signal(soon());
      const result<int> arrived = co_await std::move(waiting);
      found.push_back(arrived ? *arrived : -1);
    }
    ::raise(SIGTERM);
    ::raise(SIGTERM);
    for (int count = 0; count < 2; ++count) {
      auto waiting = world.next_signal(soon());
      const result<int> arrived = co_await std::move(waiting);
      found.push_back(arrived ? *arrived : -1);
    }
    co_return found;
  };
  const std::vector<int> expected = {SIGTERM, SIGHUP, SIGINT, SIGTERM, SIGTERM};
  BOOST_TEST(here->run(body(*here)) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_numbers_stay_below_their_bound_and_reach_all_values) {
  checked_world here;
  random_source& random = here->view().random;
  std::vector<int> seen(3);
  for (int draw = 0; draw < 300; ++draw) {
    const std::uint64_t value = random.below(3, "test");
    BOOST_TEST_REQUIRE(value < 3u);
    ++seen[value];
  }
  for (const int count : seen) BOOST_TEST(count > 0);
  BOOST_TEST(random.below(1, "test") == 0u);
}

BOOST_AUTO_TEST_CASE(a_program_runs_to_its_number_or_to_its_exception) {
  BOOST_TEST(run([](world& here) -> task<int> {
    auto sleeping = here.clock.sleep_for(std::chrono::milliseconds(1));
    co_await sleeping;
    co_return 6;
  }) == 6);
  const auto throwing = [](world&) -> task<int> {
    throw std::runtime_error("broken");
    co_return 0;
  };
  BOOST_CHECK_THROW(run(throwing), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_program_is_cancelled_by_sigterm) {
  BOOST_TEST(run([](world& here) -> task<int> {
    co_await yield();
    ::raise(SIGTERM);
    auto sleeping = here.clock.sleep_for(patience);
    const std::error_code found = co_await sleeping;
    co_return found == errc::cancelled ? 8 : 0;
  }) == 8);
}

BOOST_AUTO_TEST_SUITE_END()
