// Asio's operations in tasks, and tasks in asio's coroutines.
#include "hale/async/asio.hpp"

#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include "hale/async/race.hpp"
#include "os/fixture.hpp"

using namespace hale;
using namespace hale::test;

BOOST_AUTO_TEST_SUITE(asio_interop)

BOOST_AUTO_TEST_CASE(a_task_awaits_an_asio_timer) {
  checked_world here;
  const auto body = [](asio::io_context& io) -> task<std::error_code> {
    asio::steady_timer timer(io, std::chrono::milliseconds(1));
    auto waiting = timer.async_wait(use_task);
    co_return co_await waiting;
  };
  BOOST_TEST(!here->run(body(here->io())));
}

BOOST_AUTO_TEST_CASE(a_value_comes_with_success_and_an_error_without) {
  checked_world here;
  const auto body = [](asio::io_context& io) -> task<std::string> {
    asio::local::stream_protocol::socket left(io);
    asio::local::stream_protocol::socket right(io);
    asio::local::connect_pair(left, right);
    left.write_some(asio::buffer("hello", 5));
    left.close();
    std::string text(16, '\0');
    auto first_read = right.async_read_some(asio::buffer(text), use_task);
    const result<std::size_t> first = co_await first_read;
    auto second_read = right.async_read_some(asio::buffer(text), use_task);
    const result<std::size_t> second = co_await second_read;
    BOOST_TEST(!second.has_value());
    text.resize(first ? *first : 0);
    co_return text;
  };
  BOOST_TEST(here->run(body(here->io())) == "hello");
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_cancels_the_operation_and_waits_for_its_end) {
  checked_world here;
  const auto body = [](asio::io_context& io) -> task<std::error_code> {
    asio::steady_timer timer(io, std::chrono::hours(1));
    auto waiting = timer.async_wait(use_task);
    co_return co_await waiting;
  };
  const auto brief = []() -> task<int> {
    co_await yield();
    co_return 1;
  };
  const auto both = [&](asio::io_context& io) -> task<std::error_code> {
    auto racing = race(body(io), brief());
    auto outcome = co_await racing;
    co_return outcome.get<0>();
  };
  BOOST_TEST((here->run(both(here->io())) == asio::error::operation_aborted));
  cancel_source cancelled;
  cancelled.cancel();
  BOOST_TEST((here->run(body(here->io()), &cancelled) == asio::error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(a_task_destroyed_while_it_waits_leaves_nothing_behind) {
  checked_world here;
  const auto body = [](asio::io_context& io) -> task<void> {
    asio::steady_timer timer(io, std::chrono::hours(1));
    auto waiting = timer.async_wait(use_task);
    co_await waiting;
  };
  const auto pause = []() -> task<void> { co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(2)); };
  {
    root<void> abandoned(here->loop(), body(here->io()));
    here->run(pause());
    BOOST_TEST(!abandoned.done());
  }
  here->run(pause());
}

BOOST_AUTO_TEST_CASE(an_asio_coroutine_is_a_task) {
  checked_world here;
  const auto inner = [](asio::io_context& io) -> asio::awaitable<int> {
    asio::steady_timer timer(io, std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    co_return 42;
  };
  const auto failing = []() -> asio::awaitable<int> {
    throw std::runtime_error("broken");
    co_return 0;
  };
  asio::any_io_executor on = here->io().get_executor();
  BOOST_TEST(here->run(from_awaitable(inner(here->io()), on)) == 42);
  BOOST_CHECK_THROW(here->run(from_awaitable(failing(), on)), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_task_is_awaited_by_an_asio_coroutine) {
  checked_world here;
  const auto inner = []() -> task<int> {
    co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(1));
    co_return 7;
  };
  const auto failing = []() -> task<void> {
    co_await yield();
    throw std::runtime_error("broken");
  };
  const auto outer = [&](executor& on) -> asio::awaitable<int> {
    auto first = as_awaitable(inner(), on);
    const int number = co_await std::move(first);
    bool threw = false;
    try {
      auto second = as_awaitable(failing(), on);
      co_await std::move(second);
    } catch (const std::runtime_error&) {
      threw = true;
    }
    co_return threw ? number : -1;
  };
  asio::any_io_executor on = here->io().get_executor();
  BOOST_TEST(here->run(from_awaitable(outer(here->loop()), on)) == 7);
}

BOOST_AUTO_TEST_CASE(cancellation_crosses_both_ways) {
  checked_world here;
  const auto inner = []() -> task<std::error_code> {
    auto waiting = sleep_until(os::monotonic_now() + std::chrono::hours(1));
    co_return co_await waiting;
  };
  const auto outer = [&](executor& on) -> asio::awaitable<std::error_code> {
    auto waiting = as_awaitable(inner(), on);
    co_return co_await std::move(waiting);
  };
  const auto brief = []() -> task<int> {
    co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(2));
    co_return 1;
  };
  asio::any_io_executor on = here->io().get_executor();
  const auto both = [&]() -> task<std::error_code> {
    auto racing = race(from_awaitable(outer(here->loop()), on), brief());
    auto outcome = co_await racing;
    co_return outcome.get<0>();
  };
  BOOST_TEST((here->run(both()) == errc::cancelled));
}

BOOST_AUTO_TEST_SUITE_END()
