#include "hale/wire/http_parser.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace hale;

namespace {

http_request parse_request(std::string_view bytes, const std::vector<std::size_t>& cuts) {
  http_parser parser(http_parser::kind::request, http_limits());
  for (std::size_t next = 0; !bytes.empty(); ++next) {
    const std::size_t count = cuts.empty() ? 1 : std::min(bytes.size(), 1 + cuts[next % cuts.size()] % 40);
    RC_ASSERT(parser.feed(bytes.substr(0, count)) == count);
    bytes.remove_prefix(count);
  }
  RC_ASSERT(parser.complete());
  return parser.take_request();
}

std::string chunked(std::string_view body, const std::vector<std::size_t>& cuts) {
  std::string out;
  for (std::size_t next = 0; !body.empty(); ++next) {
    const std::size_t count = cuts.empty() ? 1 : std::min(body.size(), 1 + cuts[next % cuts.size()] % 40);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", count);
    out.append(size).append(body.substr(0, count)).append("\r\n");
    body.remove_prefix(count);
  }
  return out + "0\r\n\r\n";
}

}  // namespace

RC_BOOST_PROP(however_a_request_is_cut_it_reads_the_same,
              (const std::string& body, const std::vector<std::size_t>& cuts)) {
  http_request sent("POST", "/v1/instances/a/requests?x=1");
  sent.headers.add("X-Some", "value with spaces");
  sent.headers.add("X-None", "");
  sent.body = body;
  const http_request read = parse_request(*serialise(sent), cuts);
  RC_ASSERT(read.method == sent.method);
  RC_ASSERT(read.target == sent.target);
  RC_ASSERT(read.body == sent.body);
  RC_ASSERT(*read.headers.find("x-some") == "value with spaces");
  RC_ASSERT(read.headers.find("x-none")->empty());
  RC_ASSERT(read.headers.size() == 5u);
}

RC_BOOST_PROP(however_a_response_is_chunked_and_cut_it_reads_the_same,
              (const std::string& body, const std::vector<std::size_t>& chunks, const std::vector<std::size_t>& cuts)) {
  std::string bytes = *serialise(http_response(200), http_framing::chunked) + chunked(body, chunks) + "next";
  http_parser parser(http_parser::kind::response, http_limits());
  std::string_view rest = bytes;
  for (std::size_t next = 0; !parser.complete(); ++next) {
    const std::size_t count = cuts.empty() ? 1 : std::min(rest.size(), 1 + cuts[next % cuts.size()] % 40);
    rest.remove_prefix(parser.feed(rest.substr(0, count)));
    RC_ASSERT(parser.failed() == http_parser::fault::none);
  }
  RC_ASSERT(rest == "next");
  const http_response read = parser.take_response();
  RC_ASSERT(read.body == body);
  RC_ASSERT(!read.body_truncated);
}

RC_BOOST_PROP(any_bytes_are_read_refused_or_waited_on, (const std::string& bytes)) {
  for (const auto kind : {http_parser::kind::request, http_parser::kind::response}) {
    for (const std::string& before : {std::string(), std::string("HTTP/1.1 200 OK\r\n"), std::string("GET / HTTP/1.1\r\n")}) {
      http_parser parser(kind, http_limits());
      const std::string all = before + bytes;
      const std::size_t taken = parser.feed(all);
      RC_ASSERT(taken <= all.size());
      RC_ASSERT((taken == all.size() || parser.complete() || parser.failed() != http_parser::fault::none));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_parser_takes_no_byte_of_the_next_message) {
  const std::string one = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  http_parser parser(http_parser::kind::request, http_limits());
  BOOST_TEST(parser.feed(one + "GET /b HTTP/1.1\r\n") == one.size());
  BOOST_TEST(parser.complete());
  BOOST_TEST(parser.keep_alive());
  BOOST_TEST(parser.feed("more") == 0u);
}

BOOST_AUTO_TEST_CASE(a_wish_to_upgrade_is_passed_over) {
  http_parser parser(http_parser::kind::request, http_limits());
  const std::string wish =
      "POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc";
  BOOST_TEST(parser.feed(wish) == wish.size());
  BOOST_TEST(parser.complete());
  BOOST_TEST(parser.take_request().body == "abc");
  http_parser tunnel(http_parser::kind::request, http_limits());
  const std::string connect = "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n";
  BOOST_TEST(tunnel.feed(connect + "rest") == connect.size());
  BOOST_TEST(tunnel.complete());
  BOOST_TEST(!tunnel.keep_alive());
}
