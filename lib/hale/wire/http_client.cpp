#include "hale/wire/http_client.hpp"

#include "hale/wire/http_parser.hpp"
#include "hale/wire/stream_io.hpp"

namespace hale {

task<result<http_response>> http_exchange(byte_stream& over, http_request request, http_limits limits, deadline limit) {
  result<std::string> bytes = serialise(request);
  if (!bytes) co_return bytes.error();
  http_parser parser(http_parser::kind::response, limits);
  if (request.method == "HEAD") parser.expect_no_body();

  std::string buffer = std::move(*bytes);
  auto sending = write_all(over, buffer, limit);
  const std::error_code unsent = co_await std::move(sending);
  if (unsent == errc::timed_out || unsent == errc::cancelled) co_return unsent;

  // A server that would not read all of the request may still have answered.
  buffer.resize(read_size_bytes);
  while (!parser.complete()) {
    auto reading = over.read_some(buffer, limit);
    const result<std::size_t> got = co_await std::move(reading);
    if (got) {
      parser.feed(std::string_view(buffer.data(), *got));
      if (parser.failed() != http_parser::fault::none) co_return parser.error();
      continue;
    }
    if (got.error() == errc::closed) parser.end_of_input();
    if (parser.complete()) break;
    if (unsent) co_return unsent;
    co_return got.error();
  }
  co_return parser.take_response();
}

}  // namespace hale
