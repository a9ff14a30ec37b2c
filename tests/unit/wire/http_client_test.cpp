#include "hale/wire/http_client.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "support/manual_clock.hpp"
#include "support/memory_stream.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

/// A client's end, with a server that is only a script.
struct scripted {
  test::manual_executor executor;
  test::manual_clock clock{executor};
  std::shared_ptr<test::memory_link> link = std::make_shared<test::memory_link>();
  test::memory_stream client{link, false};

  explicit scripted(std::string_view answer, bool then_closes = false) {
    link->to_client.feed(answer);
    if (then_closes) link->to_client.end();
  }
  result<http_response> exchange(http_request request = {}, http_limits limits = {}) {
    return executor.run(http_exchange(client, std::move(request), limits, clock.after(2s)));
  }
};

std::error_code error_of(std::string_view answer, bool then_closes = true) {
  scripted server(answer, then_closes);
  const auto response = server.exchange();
  return response.error_or_none();
}

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A:  b \r\nX-Empty:\r\n\r\nhi";

}  // namespace

BOOST_AUTO_TEST_CASE(a_response_is_read_with_one_write_and_one_read_and_no_wait_for_the_end) {
  scripted server(ok);
  const auto response = server.exchange(http_request("GET", "/health"));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->status == 200);
  BOOST_TEST(response->reason == "OK");
  BOOST_TEST(response->body == "hi");
  BOOST_TEST(!response->body_truncated);
  BOOST_TEST(*response->headers.find("x-a") == "b");
  BOOST_TEST(response->headers.find("x-empty")->empty());
  BOOST_TEST(response->headers.size() == 3u);
  BOOST_TEST(server.link->to_server.bytes == "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  BOOST_TEST(server.link->to_server.writes == 1u);
  BOOST_TEST(server.link->to_client.reads == 1u);
  BOOST_TEST((server.executor.now() == instant()));
}

BOOST_AUTO_TEST_CASE(bytes_may_come_one_at_a_time) {
  scripted server(ok);
  server.link->to_client.piece = [] { return std::size_t{1}; };
  server.link->to_server.piece = [] { return std::size_t{1}; };
  const auto response = server.exchange();
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->body == "hi");
  BOOST_TEST(*response->headers.find("x-a") == "b");
}

BOOST_AUTO_TEST_CASE(chunks_are_joined_and_trailers_dropped) {
  scripted server(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Late: 1\r\n\r\n");
  const auto response = server.exchange();
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->body == "hello world");
  BOOST_TEST(response->headers.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_body_of_unstated_length_ends_with_the_connection) {
  scripted server("HTTP/1.0 200 OK\r\n\r\nall of it", true);
  const auto response = server.exchange();
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->body == "all of it");
}

BOOST_AUTO_TEST_CASE(interim_responses_are_passed_over_but_not_for_ever) {
  scripted server(std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") + std::string(ok));
  const auto response = server.exchange();
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->status == 200);
  BOOST_TEST(response->reason == "OK");
  BOOST_TEST(response->headers.find("Link") == nullptr);
  std::string endless;
  for (int i = 0; i < 2000; ++i) endless += "HTTP/1.1 100 Continue\r\n\r\n";
  BOOST_TEST((error_of(endless) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(an_interim_response_has_no_body_whatever_it_says) {
  scripted lengthy("HTTP/1.1 103 Early Hints\r\nContent-Length: 50\r\n\r\n" + std::string(ok));
  const auto response = lengthy.exchange();
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->status == 200);
  BOOST_TEST((error_of("HTTP/1.1 199 Endless\r\nTransfer-Encoding: gzip\r\n\r\nnever ends") == errc::malformed));
  BOOST_TEST((error_of("HTTP/1.1 199 Endless\r\nTransfer-Encoding: gzip\r\n\r\n") == errc::closed));
}

BOOST_AUTO_TEST_CASE(the_answer_to_head_has_no_body_whatever_it_says) {
  scripted server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  const auto response = server.exchange(http_request("HEAD", "/"));
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->body.empty());
  scripted none("HTTP/1.1 204 No Content\r\n\r\n");
  BOOST_TEST(none.exchange()->status == 204);
}

BOOST_AUTO_TEST_CASE(a_long_body_is_cut_and_said_to_be) {
  const std::string body(70'000, 'x');
  const std::string stated = "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + body;
  const std::string unstated = "HTTP/1.1 200 OK\r\n\r\n" + body;
  for (const std::string& answer : {stated, unstated}) {
    scripted server(answer);
    const auto response = server.exchange();
    BOOST_REQUIRE(response.has_value());
    BOOST_TEST(response->body.size() == 65536u);
    BOOST_TEST(response->body_truncated);
  }
  http_limits exact;
  exact.max_body_bytes = 2;
  scripted server(ok);
  const auto response = server.exchange({}, exact);
  BOOST_REQUIRE(response.has_value());
  BOOST_TEST(response->body == "hi");
  BOOST_TEST(!response->body_truncated);
}

BOOST_AUTO_TEST_CASE(a_declared_length_beyond_all_sense_costs_no_memory) {
  scripted server("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nabc", true);
  BOOST_TEST((server.exchange().error() == errc::closed));
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nabc") == errc::malformed));
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc") == errc::malformed));
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_malformed) {
  for (const char* garbage : {
           "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "\x15\x03\x01\x02\x02\x16", "hello\n", "HTTP/1.1 OK\r\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n", "HTTP/0.9 200 OK\r\n\r\n", "HTTP/1.1 99999 Much\r\n\r\n", "HTTP/1.1 000 None\r\n\r\n",
           "HTTP/1.1 700 Odd\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    BOOST_TEST((error_of(garbage) == errc::malformed), garbage);
  }
  BOOST_TEST((error_of(std::string_view("HTTP/1.1 200 OK\r\nA: \0b\r\n\r\n", 27)) == errc::malformed));
}

BOOST_AUTO_TEST_CASE(a_header_without_an_end_is_too_large) {
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nA: " + std::string(20'000, 'a'), false) == errc::too_large));
  BOOST_TEST((error_of("HTTP/1.1 200 " + std::string(9'000, 'a'), false) == errc::too_large));
  BOOST_TEST((error_of(std::string(20'000, '\n'), false) == errc::too_large));
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 101; ++i) many += "A: b\r\n";
  BOOST_TEST((error_of(many + "\r\n") == errc::too_large));
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  BOOST_TEST((error_of(chunked + "1;" + std::string(60'000, 'e'), false) == errc::too_large));
  std::string trailers = chunked + "0\r\n";
  for (int i = 0; i < 10'000; ++i) trailers += "A: b\r\n";
  BOOST_TEST((error_of(trailers, false) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_head_of_exactly_the_bound_is_read) {
  http_limits limits;
  limits.max_head_bytes = ok.size() - 2;
  scripted fits(ok);
  // The head must end before the bound is reached.
  BOOST_TEST(fits.exchange({}, limits).has_value());
  --limits.max_head_bytes;
  scripted exceeds(ok);
  BOOST_TEST((exceeds.exchange({}, limits).error() == errc::too_large));
}

BOOST_AUTO_TEST_CASE(closing_early_is_told_from_not_answering) {
  BOOST_TEST((error_of("") == errc::closed));
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nCont") == errc::closed));
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi") == errc::closed));
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") == errc::closed));
  BOOST_TEST((error_of("", false) == errc::timed_out));
  BOOST_TEST((error_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", false) == errc::timed_out));
  scripted broken("HTTP/1.1 2");
  broken.link->to_client.reset();
  BOOST_TEST((broken.exchange().error() == system_error(ECONNRESET)));
}

BOOST_AUTO_TEST_CASE(a_drip_ends_at_the_deadline_and_not_after) {
  scripted server("");
  auto drip = [&]() -> task<void> {
    for (const char letter : std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) {
      server.link->to_client.feed(std::string_view(&letter, 1));
      co_await sleep_until(server.executor.now() + 100ms);
    }
  };
  root<void> dripping(server.executor, drip());
  root<result<http_response>> exchange(server.executor,
                                       http_exchange(server.client, {}, {}, server.clock.after(2s)));
  server.executor.run_until(instant(2s));
  BOOST_REQUIRE(exchange.done());
  BOOST_TEST((exchange.take().error() == errc::timed_out));
  server.executor.run();
}

BOOST_AUTO_TEST_CASE(a_server_that_reads_nothing_ends_at_the_deadline) {
  scripted server("");
  server.link->to_server.capacity = 10;
  BOOST_TEST((server.exchange().error() == errc::timed_out));
  BOOST_TEST((server.executor.now() == instant(2s)));
}

BOOST_AUTO_TEST_CASE(an_answer_given_without_reading_the_request_still_counts) {
  scripted server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", true);
  server.link->to_server.unread = true;
  BOOST_TEST(server.exchange()->status == 503);
  scripted silent("", true);
  silent.link->to_server.unread = true;
  BOOST_TEST((silent.exchange().error() == system_error(EPIPE)));
}

BOOST_AUTO_TEST_CASE(a_request_that_cannot_be_written_is_not_sent) {
  scripted server(ok);
  BOOST_TEST((server.exchange(http_request("GET", "/a\r\nb")).error() == errc::malformed));
  BOOST_TEST(server.link->to_server.bytes.empty());
}

BOOST_AUTO_TEST_CASE(an_exchange_can_be_cancelled_at_every_step) {
  bool finished = false;
  int cancelled = 0;
  for (int steps = 0; !finished; ++steps) {
    scripted server(ok);
    server.link->to_client.piece = [] { return std::size_t{7}; };
    server.link->to_server.piece = [] { return std::size_t{20}; };
    cancel_source source;
    root<result<http_response>> exchange(server.executor, http_exchange(server.client, {}, {}, server.clock.after(2s)),
                                         &source);
    for (int i = 0; i < steps && !exchange.done(); ++i) server.executor.step();
    finished = exchange.done();
    source.cancel();
    server.executor.run_ready();
    BOOST_REQUIRE(exchange.done());
    const auto response = exchange.take();
    if (!finished) {
      BOOST_TEST((response.error_or_none() == errc::cancelled || response.has_value()));
      cancelled += !response.has_value();
    }
  }
  BOOST_TEST(cancelled > 10);
}
