#include "hale/wire/http_stream.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "support/manual_clock.hpp"
#include "support/memory_stream.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

struct follower {
  test::manual_executor executor;
  test::manual_clock clock{executor};
  std::shared_ptr<test::memory_link> link = std::make_shared<test::memory_link>();
  test::memory_stream client{link, false};
  http_stream stream;

  explicit follower(std::string_view answer, http_limits limits = {}) : stream(client, limits) {
    link->to_client.feed(answer);
  }
  result<http_response> open() { return executor.run(stream.open(http_request("GET", "/v1/events"), clock.after(2s))); }
  result<std::string> line() { return executor.run(stream.read_line(clock.after(2s))); }
  result<std::string> some() { return executor.run(stream.read_some(clock.after(2s))); }
};

constexpr std::string_view head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

BOOST_AUTO_TEST_CASE(lines_come_as_they_are_sent_across_chunks) {
  follower follow(std::string(head) + "4\r\none\n\r\n3\r\ntwo\r\n8\r\n\r\nthree\n\r\n");
  const auto opened = follow.open();
  BOOST_REQUIRE(opened.has_value());
  BOOST_TEST(opened->status == 200);
  BOOST_TEST(*follow.line() == "one");
  BOOST_TEST(*follow.line() == "two");
  BOOST_TEST(*follow.line() == "three");
  BOOST_TEST((follow.line().error() == errc::timed_out));
  follow.link->to_client.feed("3\r\nfou\r\n");
  BOOST_TEST((follow.line().error() == errc::timed_out));
  follow.link->to_client.feed("2\r\nr\n\r\n4\r\nlast\r\n0\r\n\r\n");
  BOOST_TEST(*follow.line() == "four");
  BOOST_TEST(*follow.line() == "last");
  BOOST_TEST((follow.line().error() == errc::closed));
  BOOST_TEST((follow.line().error() == errc::closed));
  BOOST_TEST(follow.stream.complete());
}

BOOST_AUTO_TEST_CASE(short_lines_after_a_long_one_in_pieces_are_found) {
  follower follow("HTTP/1.1 200 OK\r\n\r\nlon");
  BOOST_REQUIRE(follow.open().has_value());
  BOOST_TEST((follow.line().error() == errc::timed_out));
  follow.link->to_client.feed("g\na\n\nb");
  BOOST_TEST(*follow.line() == "long");
  BOOST_TEST(*follow.line() == "a");
  BOOST_TEST(*follow.line() == "");
  BOOST_TEST((follow.line().error() == errc::timed_out));
  BOOST_TEST(*follow.some() == "b");
  follow.link->to_client.feed("\nc\n");
  BOOST_TEST(*follow.line() == "");
  BOOST_TEST(*follow.line() == "c");
}

BOOST_AUTO_TEST_CASE(a_stream_cut_short_is_told_from_a_whole_one) {
  follower follow(std::string(head) + "4\r\none\n\r\n");
  BOOST_REQUIRE(follow.open().has_value());
  follow.link->to_client.end();
  BOOST_TEST(*follow.line() == "one");
  BOOST_TEST((follow.line().error() == errc::closed));
  BOOST_TEST(!follow.stream.complete());

  follower reset(std::string(head) + "4\r\none\n\r\n");
  BOOST_REQUIRE(reset.open().has_value());
  BOOST_TEST(*reset.line() == "one");
  reset.link->to_client.reset();
  BOOST_TEST((reset.line().error() == system_error(ECONNRESET)));
  BOOST_TEST((reset.line().error() == system_error(ECONNRESET)));
}

BOOST_AUTO_TEST_CASE(a_body_until_the_end_of_the_connection_is_whole) {
  follower follow("HTTP/1.0 200 OK\r\n\r\na\nb");
  BOOST_REQUIRE(follow.open().has_value());
  follow.link->to_client.end();
  BOOST_TEST(*follow.line() == "a");
  BOOST_TEST(*follow.line() == "b");
  BOOST_TEST((follow.line().error() == errc::closed));
  BOOST_TEST(follow.stream.complete());
}

BOOST_AUTO_TEST_CASE(a_line_without_an_end_is_too_large) {
  http_limits limits;
  limits.max_body_bytes = 10;
  follower follow("HTTP/1.1 200 OK\r\n\r\n0123456789\n0123456789a", limits);
  BOOST_REQUIRE(follow.open().has_value());
  BOOST_TEST(*follow.line() == "0123456789");
  BOOST_TEST((follow.line().error() == errc::too_large));
  follow.link->to_client.feed("\nafter\n");
  BOOST_TEST((follow.line().error() == errc::too_large));
}

BOOST_AUTO_TEST_CASE(more_may_flow_through_than_is_ever_held) {
  http_limits limits;
  limits.max_body_bytes = 100;
  follower follow("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", limits);
  BOOST_REQUIRE(follow.open().has_value());
  follow.link->to_client.feed(std::string(100'000, 'x'));
  std::size_t seen = 0;
  while (auto piece = follow.some()) {
    BOOST_TEST(piece->size() <= 4096u);
    seen += piece->size();
  }
  BOOST_TEST(seen == 100'000u);
  BOOST_TEST(follow.stream.complete());
}

BOOST_AUTO_TEST_CASE(what_breaks_the_format_ends_the_stream_after_what_was_good) {
  follower follow(std::string(head) + "4\r\none\n\r\nnonsense");
  BOOST_REQUIRE(follow.open().has_value());
  BOOST_TEST(*follow.line() == "one");
  BOOST_TEST((follow.line().error() == errc::malformed));
  BOOST_TEST((follow.line().error() == errc::malformed));
  follower garbage("nonsense");
  BOOST_TEST((garbage.open().error() == errc::malformed));
  follower silent("");
  BOOST_TEST((silent.open().error() == errc::timed_out));
  follower empty("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  BOOST_REQUIRE(empty.open().has_value());
  BOOST_TEST((empty.line().error() == errc::closed));
  BOOST_TEST(empty.stream.complete());
}
