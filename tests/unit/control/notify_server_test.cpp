#include "hale/control/notify_server.hpp"

#include <boost/test/unit_test.hpp>

#include "control_support.hpp"
#include "hale/async/channel.hpp"
#include "hale/wire/notify.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

class memory_datagrams final : public datagram_socket {
 public:
  task<result<datagram>> receive(deadline limit) override {
    ++receives;
    if (failure) co_return failure;
    auto got = co_await waiting.receive(limit);
    co_return std::move(got);
  }
  void arrive(std::string bytes, std::int64_t pid, bool truncated = false) {
    datagram made;
    made.bytes = std::move(bytes);
    made.sender_pid = pid;
    made.truncated = truncated;
    BOOST_TEST(waiting.try_send(std::move(made)));
  }
  channel<datagram> waiting{1000};
  std::error_code failure;
  int receives = 0;
};

struct notify_fixture : test::control_fixture {
  memory_datagrams socket;
  notify_counters counters;
  cancel_source stop;
  root<void> server{executor, serve_notify(socket, target, time, counters), &stop};
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(datagrams_reach_the_supervisor_with_their_senders_pid, notify_fixture) {
  socket.arrive("READY=1", 42);
  socket.arrive("WATCHDOG=1", 43);
  executor.run_ready();
  const std::vector<std::string> expected = {"notify READY=1 from 42", "notify WATCHDOG=1 from 43"};
  BOOST_TEST(target.asked == expected, boost::test_tools::per_element());
  BOOST_TEST(counters.received == 2u);
  stop.cancel();
  executor.run_ready();
  BOOST_TEST(server.done());
}

BOOST_FIXTURE_TEST_CASE(what_is_too_long_is_dropped_and_counted, notify_fixture) {
  socket.arrive("STATUS=cut", 42, true);
  socket.arrive(std::string(max_notification_bytes + 1, 'x'), 42);
  socket.arrive("READY=1", 42);
  executor.run_ready();
  BOOST_TEST(target.asked.size() == 1u);
  BOOST_TEST(counters.too_long == 2u);
  BOOST_TEST(counters.received == 3u);
  stop.cancel();
  executor.run_ready();
}

BOOST_FIXTURE_TEST_CASE(a_socket_that_fails_is_tried_again_without_spinning, notify_fixture) {
  socket.failure = system_error(EMFILE);
  executor.run_for(1s);
  BOOST_TEST(counters.errors >= 5u);
  BOOST_TEST(socket.receives <= 12);
  socket.failure = {};
  socket.arrive("READY=1", 42);
  executor.run_for(1s);
  BOOST_TEST(target.asked.size() == 1u);
  socket.failure = errc::closed;
  socket.arrive("READY=1", 42);
  executor.run_for(1s);
  BOOST_TEST(server.done());
}

BOOST_FIXTURE_TEST_CASE(a_flood_lets_others_have_their_turn, notify_fixture) {
  for (int i = 0; i < 1000; ++i) socket.arrive("WATCHDOG=1", 42);
  std::size_t served_before_us = 0;
  const auto other = [&]() -> task<void> {
    co_await yield();
    served_before_us = target.asked.size();
  };
  root<void> another(executor, other());
  executor.run_ready();
  BOOST_TEST(served_before_us > 0u);
  BOOST_TEST(served_before_us < 100u);
  BOOST_TEST(target.asked.size() == 1000u);
  stop.cancel();
  executor.run_ready();
  BOOST_TEST(server.done());
}
