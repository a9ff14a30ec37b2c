// The primitives that coroutines wait in line for: channel, semaphore, gate, trigger, pulse.
#include <boost/test/unit_test.hpp>
#include <vector>

#include "hale/async/channel.hpp"
#include "hale/async/gate.hpp"
#include "hale/async/pulse.hpp"
#include "hale/async/scope.hpp"
#include "hale/async/semaphore.hpp"
#include "hale/async/trigger.hpp"
#include "support/manual_executor.hpp"

using namespace std::chrono_literals;
using namespace hale;

namespace {

task<void> take_all(channel<int>& from, std::vector<int>& taken, std::error_code& end) {
  for (;;) {
    const auto item = co_await from.receive();
    if (!item) {
      end = item.error();
      co_return;
    }
    taken.push_back(*item);
  }
}

task<void> send_range(channel<int>& into, int first, int last) {
  for (int i = first; i < last; ++i) {
    const auto failed = co_await into.send(i);
    BOOST_TEST(!failed);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_channel_keeps_order_and_holds_back_senders_when_full) {
  test::manual_executor executor;
  channel<int> numbers(2);
  std::vector<int> taken;
  std::error_code end;
  root<void> sending(executor, send_range(numbers, 0, 5));
  executor.run_ready();
  BOOST_TEST(numbers.size() == 2U);
  BOOST_TEST(!sending.done());
  root<void> taking(executor, take_all(numbers, taken, end));
  executor.run_ready();
  BOOST_TEST(sending.done());
  numbers.close();
  executor.run_ready();
  BOOST_TEST(taken == (std::vector<int>{0, 1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST((end == errc::closed));
}

BOOST_AUTO_TEST_CASE(a_closed_channel_gives_what_it_holds_and_takes_nothing_more) {
  test::manual_executor executor;
  channel<int> numbers(4);
  BOOST_TEST(numbers.try_send(1));
  numbers.close();
  BOOST_TEST(!numbers.try_send(2));
  std::vector<int> taken;
  std::error_code end;
  executor.run(take_all(numbers, taken, end));
  BOOST_TEST(taken.size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_item_that_comes_with_the_deadline_is_not_lost) {
  // Both orders: the receiver's timeout and the sender's wake are due in the same instant.
  for (const bool receiver_first : {true, false}) {
    test::manual_executor executor;
    channel<int> numbers(1);
    std::optional<result<int>> received;
    auto receive = [&]() -> task<void> { received = co_await numbers.receive(deadline(instant(1s))); };
    auto send = [&]() -> task<void> {
      co_await sleep_until(instant(1s));
      BOOST_TEST(numbers.try_send(7));
    };
    auto first = receiver_first ? receive() : send();
    auto second = receiver_first ? send() : receive();
    root<void> one(executor, std::move(first));
    root<void> two(executor, std::move(second));
    executor.run();
    BOOST_REQUIRE(received.has_value());
    const std::size_t kept = numbers.size();
    BOOST_TEST((received->has_value() ? 1U : 0U) + kept == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_cancelled_receive_leaves_the_channel_usable) {
  test::manual_executor executor;
  channel<int> numbers(1);
  std::vector<int> taken;
  std::error_code end;
  cancel_source source;
  root<void> cancelled(executor, take_all(numbers, taken, end), &source);
  executor.run_ready();
  source.cancel();
  executor.run_ready();
  BOOST_TEST(cancelled.done());
  BOOST_TEST((end == errc::cancelled));
  BOOST_TEST(numbers.try_send(1));
  BOOST_TEST(numbers.size() == 1U);
}

BOOST_AUTO_TEST_CASE(permits_are_handed_out_in_order_and_come_back) {
  test::manual_executor executor;
  semaphore slots(2);
  std::vector<int> order;
  auto user = [&](int who, duration length) -> task<void> {
    auto slot = co_await slots.acquire();
    BOOST_REQUIRE(slot.has_value());
    order.push_back(who);
    co_await sleep_until(executor.now() + length);
  };
  const context here{&executor, nullptr};
  scope users(here);
  users.spawn(user(1, 3s));
  users.spawn(user(2, 1s));
  users.spawn(user(3, 5s));
  users.spawn(user(4, 1s));
  executor.run_for(0s);
  BOOST_TEST(order == (std::vector<int>{1, 2}), boost::test_tools::per_element());
  executor.run_for(1s);
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
  executor.run(users.join());
  BOOST_TEST(order == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(slots.free() == 2U);
}

BOOST_AUTO_TEST_CASE(a_wait_for_a_permit_that_is_given_up_takes_none) {
  test::manual_executor executor;
  semaphore slots(1);
  auto body = [&]() -> task<void> {
    auto held = co_await slots.acquire();
    const auto late = co_await slots.acquire(deadline(instant(1s)));
    BOOST_TEST((late.error() == errc::timed_out));
  };
  executor.run(body());
  BOOST_TEST(slots.free() == 1U);
}

BOOST_AUTO_TEST_CASE(a_permit_granted_to_a_coroutine_that_is_destroyed_comes_back) {
  test::manual_executor executor;
  semaphore slots(1);
  auto wait = [&]() -> task<void> {
    auto slot = co_await slots.acquire();
    co_await sleep_until(instant(1h));
  };
  auto holder = std::make_unique<root<void>>(executor, wait());
  executor.run_ready();
  auto waiter = std::make_unique<root<void>>(executor, wait());
  executor.run_ready();
  holder.reset();
  waiter.reset();
  BOOST_TEST(slots.free() == 1U);
}

BOOST_AUTO_TEST_CASE(a_closed_gate_lets_nobody_in_and_waits_for_those_inside) {
  test::manual_executor executor;
  gate door;
  bool drained = false;
  auto drain = [&]() -> task<void> { drained = !co_await door.close(); };
  {
    const gate::pass inside = door.enter();
    BOOST_TEST(static_cast<bool>(inside));
    root<void> draining(executor, drain());
    executor.run_ready();
    BOOST_TEST(!drained);
    BOOST_TEST(!static_cast<bool>(door.enter()));
  }
  root<void> again(executor, drain());
  executor.run_ready();
  BOOST_TEST(drained);
}

BOOST_AUTO_TEST_CASE(a_trigger_stays_fired_and_a_pulse_does_not) {
  test::manual_executor executor;
  trigger once;
  pulse often;
  int woken = 0;
  auto wait_once = [&]() -> task<void> {
    if (!co_await once.wait()) ++woken;
  };
  auto wait_often = [&]() -> task<void> {
    const auto why = co_await often.wait(deadline(executor.now() + 1s));
    if (!why) ++woken;
  };
  root<void> early(executor, wait_once());
  executor.run_ready();
  once.fire();
  root<void> late(executor, wait_once());
  executor.run_ready();
  BOOST_TEST(woken == 2);
  often.wake_all();
  root<void> missed(executor, wait_often());
  executor.run();
  BOOST_TEST(woken == 2);
}
