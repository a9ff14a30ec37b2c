#include "hale/wire/http_message.hpp"

#include <boost/test/unit_test.hpp>

using namespace hale;

BOOST_AUTO_TEST_CASE(fields_keep_their_order_and_are_found_in_any_case) {
  http_headers headers;
  headers.add("X-One", "1");
  headers.add("x-two", "2");
  headers.add("X-ONE", "3");
  BOOST_TEST(*headers.find("x-one") == "1");
  BOOST_TEST(*headers.find("X-TWO") == "2");
  BOOST_TEST(headers.find("x-on") == nullptr);
  BOOST_TEST(headers.count("X-One") == 2u);
  BOOST_TEST(headers.begin()->first == "X-One");
}

BOOST_AUTO_TEST_CASE(a_request_is_written_to_be_alone_on_its_connection) {
  http_request request("POST", "/v1/stop?now=1");
  request.headers.add("Authorization", "Bearer x");
  request.body = "{}";
  BOOST_TEST(*serialise(request) ==
             "POST /v1/stop?now=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
             "Content-Length: 2\r\nConnection: close\r\n\r\n{}");
  BOOST_TEST(*serialise(http_request()) == "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  http_request elsewhere("GET", "/");
  elsewhere.headers.add("host", "[::1]:80");
  BOOST_TEST(*serialise(elsewhere) == "GET / HTTP/1.1\r\nhost: [::1]:80\r\nConnection: close\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_response_is_framed_as_told) {
  const http_response response(200, "text/plain", "hello");
  BOOST_TEST(*serialise(response, http_framing::length) ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  BOOST_TEST(*serialise(response, http_framing::length_close, true) ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
  BOOST_TEST(*serialise(response, http_framing::chunked) ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
  BOOST_TEST(*serialise(response, http_framing::until_close) ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
  http_response empty(204);
  empty.body = "never written";
  BOOST_TEST(*serialise(empty, http_framing::length) == "HTTP/1.1 204 No Content\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(nothing_can_be_smuggled_into_a_message) {
  const auto refused = [](const http_request& request) {
    const auto bytes = serialise(request);
    return !bytes && bytes.error() == errc::malformed;
  };
  BOOST_TEST(refused(http_request("GET /x HTTP/1.1\r\nA: b\r\n\r\nGET", "/")));
  BOOST_TEST(refused(http_request("", "/")));
  BOOST_TEST(refused(http_request("GET", "/ HTTP/1.1\r\nA: b")));
  BOOST_TEST(refused(http_request("GET", "/a b")));
  BOOST_TEST(refused(http_request("GET", "")));
  BOOST_TEST(refused(http_request("GET", "/\xc3\xa9")));
  const std::pair<std::string, std::string> fields[] = {
      {"A", "b\r\nC: d"}, {"A", "b\nC: d"}, {"A", std::string("b\0", 2)}, {"A\r\nB", "c"}, {"A:", "b"}, {"", "b"}, {"A B", "c"}};
  for (const auto& [name, value] : fields) {
    http_request request;
    request.headers.add(name, value);
    BOOST_TEST(refused(request));
    http_response response(200);
    response.headers.add(name, value);
    BOOST_TEST((serialise(response, http_framing::length).error() == errc::malformed));
  }
  http_response response(200);
  response.reason = "OK\r\nA: b";
  BOOST_TEST((serialise(response, http_framing::length).error() == errc::malformed));
}

BOOST_AUTO_TEST_CASE(fields_that_frame_a_message_are_never_the_callers) {
  http_request request("POST", "/");
  request.headers.add("content-length", "100");
  request.headers.add("Transfer-Encoding", "chunked");
  request.headers.add("Connection", "keep-alive");
  BOOST_TEST(*serialise(request) == "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}
