// A server that answers with any bytes in any pieces, and then closes, stalls or resets. What the client makes of them
// keeps its bounds, does not depend on the pieces, is the same through http_exchange and http_stream, and can be
// written again and read back. Choices: method, limits, how it ends, pieces.
#include <memory>
#include <string>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/wire/http_client.hpp"
#include "hale/wire/http_stream.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"
#include "support/manual_executor.hpp"
#include "support/memory_stream.hpp"

namespace {

using namespace hale;
using namespace std::chrono_literals;

enum class ending { closed, stalled, reset };

struct scenario {
  std::string method = "GET";
  http_limits limits;
  ending end = ending::closed;
  std::string_view bytes;
};

constexpr duration patience = 3s;

std::shared_ptr<test::memory_link> make_link(const scenario& of, fuzz::input::pieces pieces) {
  auto link = std::make_shared<test::memory_link>();
  link->to_client.piece = pieces;
  link->to_client.feed(of.bytes);
  if (of.end == ending::closed) link->to_client.end();
  return link;
}

// A reset overtakes what was sent before it, so it comes when all has been read.
void reset_when_read(test::manual_executor& executor, const scenario& of, test::memory_link& link) {
  if (of.end != ending::reset) return;
  executor.run_ready();
  link.to_client.reset();
}

result<http_response> exchange(const scenario& of, fuzz::input::pieces pieces) {
  test::manual_executor executor;
  const auto link = make_link(of, pieces);
  test::memory_stream stream(link, false);
  http_request request(of.method, "/v1/status");
  root<result<http_response>> asking(
      executor, http_exchange(stream, std::move(request), of.limits, deadline::after(executor.now(), patience)));
  reset_when_read(executor, of, *link);
  executor.run();
  CHECK(asking.done());
  CHECK(executor.now() <= instant() + patience);
  return asking.take();
}

struct streamed {
  std::error_code failed;  ///< of the head
  int status = 0;
  std::string body;
  std::error_code ended;
  bool complete = false;
};

task<streamed> read_stream(byte_stream& over, scenario of, bool by_lines) {
  streamed got;
  const deadline limit{instant(patience)};
  http_stream stream(over, of.limits);
  http_request request(of.method, "/v1/status");
  auto opening = stream.open(std::move(request), limit);
  const result<http_response> head = co_await std::move(opening);
  got.failed = head.error_or_none();
  if (!head) co_return got;
  got.status = head->status;
  CHECK(head->body.empty());
  for (;;) {
    auto reading = by_lines ? stream.read_line(limit) : stream.read_some(limit);
    const result<std::string> piece = co_await std::move(reading);
    got.ended = piece.error_or_none();
    if (!piece) break;
    if (by_lines) {
      CHECK(piece->find('\n') == std::string::npos && piece->size() <= of.limits.max_body_bytes);
      got.body += *piece + '\n';
    } else {
      CHECK(!piece->empty());
      got.body += *piece;
    }
  }
  got.complete = stream.complete();
  co_return got;
}

streamed stream(const scenario& of, fuzz::input::pieces pieces, bool by_lines) {
  test::manual_executor executor;
  const auto link = make_link(of, pieces);
  test::memory_stream over(link, false);
  root<streamed> reading(executor, read_stream(over, of, by_lines));
  reset_when_read(executor, of, *link);
  executor.run();
  CHECK(reading.done());
  return reading.take();
}

bool may_fail_so(const std::error_code& why, const scenario& of) {
  if (why == errc::malformed || why == errc::too_large) return true;
  switch (of.end) {
    case ending::closed: return why == errc::closed;
    case ending::stalled: return why == errc::timed_out;
    case ending::reset: return why == system_error(ECONNRESET);
  }
  return false;
}

void check_bounds(const http_response& got, const http_limits& limits) {
  CHECK((got.status >= 200 || got.status == 101) && got.status <= 599);
  CHECK(got.reason.size() <= limits.max_line_bytes);
  CHECK(got.headers.size() <= limits.max_headers);
  CHECK(got.body.size() <= limits.max_body_bytes);
  CHECK(!got.body_truncated || got.body.size() == limits.max_body_bytes);
  std::size_t head_bytes = 0;
  for (const auto& [name, value] : got.headers) head_bytes += name.size() + value.size();
  CHECK(head_bytes <= limits.max_head_bytes);
}

// What was read can be sent on, and means the same then. Only a reason may hold what ours may not.
void check_round_trip(http_response got) {
  got.reason.clear();
  const result<std::string> bytes = serialise(got, http_framing::length);
  CHECK(bytes.has_value());
  scenario again;
  again.bytes = *bytes;
  again.limits.max_head_bytes *= 2;
  const result<http_response> read = exchange(again, fuzz::input::pieces(""));
  CHECK(read.has_value() && read->status == got.status);
  if (got.status != 204 && got.status != 304 && got.status != 101) CHECK(read->body == got.body);
  for (const auto& [name, value] : read->headers) CHECK(name == "Content-Length" || got.headers.find(name) != nullptr);
}

// "a\r\nb" in lines, as read_line gives them, each with a plain line break.
std::string in_lines(std::string_view body) {
  std::string lines;
  while (!body.empty()) {
    const bool whole = body.find('\n') != std::string_view::npos;
    std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(line.size() + (whole ? 1 : 0));
    if (whole && line.ends_with('\r')) line.remove_suffix(1);
    lines += std::string(line) + '\n';
  }
  return lines;
}

void check_stream(const scenario& of, fuzz::input::pieces pieces, const result<http_response>& got) {
  const streamed raw = stream(of, pieces, false);
  const streamed lines = stream(of, pieces, true);
  CHECK(raw.failed == lines.failed);
  CHECK(!raw.failed || raw.failed == got.error_or_none());
  if (raw.failed) return;
  CHECK(may_fail_so(raw.ended, of) || raw.ended == errc::closed);
  CHECK(!raw.complete || raw.ended == errc::closed);
  CHECK(in_lines(raw.body).starts_with(lines.body));
  if (lines.ended == errc::closed) CHECK(lines.body == in_lines(raw.body) && lines.complete == raw.complete);
  if (!got) {
    CHECK(!raw.complete);
  } else if (got->body_truncated) {
    CHECK(raw.body.starts_with(got->body));
  } else {
    CHECK(raw.complete && raw.status == got->status && raw.body == got->body);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  scenario of;
  constexpr std::string_view methods[] = {"GET", "HEAD", "POST"};
  of.method = methods[in.choose(3)];
  if (in.flip()) {
    of.limits.max_head_bytes = 200;
    of.limits.max_line_bytes = 40;
    of.limits.max_headers = 4;
    of.limits.max_body_bytes = 30;
  }
  of.end = static_cast<ending>(in.choose(3));
  of.bytes = in.text();
  const fuzz::input::pieces pieces = in.rest_as_pieces();

  const result<http_response> got = exchange(of, pieces);
  if (got) {
    check_bounds(*got, of.limits);
    check_round_trip(*got);
  } else {
    CHECK(may_fail_so(got.error(), of));
  }
  // Framing that is longer than any head may be is refused where a piece ends, which pieces do decide.
  if (of.bytes.size() <= 2 * of.limits.max_head_bytes) {
    const result<http_response> at_once = exchange(of, fuzz::input::pieces(""));
    CHECK(at_once.has_value() == got.has_value());
    CHECK(at_once.error_or_none() == got.error_or_none());
    if (got) CHECK(at_once->status == got->status && at_once->body == got->body);
    check_stream(of, pieces, got);
  }
  return 0;
}
