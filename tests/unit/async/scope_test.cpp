#include "hale/async/scope.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>

#include "support/manual_executor.hpp"

using namespace std::chrono_literals;
using hale::task;

namespace {

task<void> sleep_and_count(hale::instant until, int& ended, std::error_code& why) {
  why = co_await hale::sleep_until(until);
  ++ended;
}

task<void> throwing() {
  throw std::runtime_error("child failed");
  co_return;
}

}  // namespace

BOOST_AUTO_TEST_CASE(join_waits_for_every_child) {
  hale::test::manual_executor executor;
  int ended = 0;
  std::error_code first = hale::errc::closed;
  std::error_code second = hale::errc::closed;
  auto body = [&]() -> task<int> {
    const hale::context here = co_await hale::this_context();
    hale::scope children(here);
    children.spawn(sleep_and_count(executor.now() + 1s, ended, first));
    children.spawn(sleep_and_count(executor.now() + 2s, ended, second));
    co_await children.join();
    co_return ended;
  };
  BOOST_TEST(executor.run(body()) == 2);
  BOOST_TEST(!first);
  BOOST_TEST(!second);
  BOOST_TEST((executor.now() == hale::instant(2s)));
}

BOOST_AUTO_TEST_CASE(a_child_that_throws_cancels_its_siblings_and_join_throws) {
  hale::test::manual_executor executor;
  int ended = 0;
  std::error_code why;
  auto body = [&]() -> task<void> {
    const hale::context here = co_await hale::this_context();
    hale::scope children(here);
    children.spawn(sleep_and_count(executor.now() + 1h, ended, why));
    children.spawn(throwing());
    co_await children.join();
  };
  BOOST_CHECK_THROW(executor.run(body()), std::runtime_error);
  BOOST_TEST(ended == 1);
  BOOST_TEST((why == hale::errc::cancelled));
  BOOST_TEST((executor.now() == hale::instant()));
}
