#include "hale/wire/http_stream.hpp"

#include <array>
#include <limits>

#include "hale/wire/http_parser.hpp"
#include "hale/wire/stream_io.hpp"

namespace hale {

namespace {

http_limits with_endless_body(http_limits limits) noexcept {
  limits.max_body_bytes = std::numeric_limits<std::size_t>::max();
  return limits;
}

}  // namespace

http_stream::http_stream(byte_stream& over, http_limits limits)
    : over_(over),
      limits_(limits),
      parser_(std::make_unique<http_parser>(http_parser::kind::response, with_endless_body(limits))) {}

http_stream::~http_stream() = default;

task<result<http_response>> http_stream::open(http_request request, deadline limit) {
  const result<std::string> bytes = serialise(request);
  if (!bytes) co_return bytes.error();
  if (request.method == "HEAD") parser_->expect_no_body();
  auto sending = write_all(over_, *bytes, limit);
  const std::error_code unsent = co_await std::move(sending);
  if (unsent) co_return unsent;
  while (!parser_->head_complete()) {
    auto filling = fill(limit);
    const std::error_code failed = co_await std::move(filling);
    if (failed) co_return failed;
  }
  http_response head = parser_->take_response();
  co_return head;
}

task<result<std::string>> http_stream::read_line(deadline limit) {
  for (;;) {
    const std::size_t end = pending_.find('\n', searched_);
    if (end != std::string::npos && end <= limits_.max_body_bytes) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      searched_ = 0;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      co_return line;
    }
    searched_ = pending_.size();
    if (searched_ > limits_.max_body_bytes) co_return errc::too_large;
    auto filling = fill(limit);
    const std::error_code failed = co_await std::move(filling);
    if (failed == errc::closed && !pending_.empty()) {
      searched_ = 0;
      co_return std::exchange(pending_, {});
    }
    if (failed) co_return failed;
  }
}

task<result<std::string>> http_stream::read_some(deadline limit) {
  while (pending_.empty()) {
    auto filling = fill(limit);
    const std::error_code failed = co_await std::move(filling);
    if (failed) co_return failed;
  }
  searched_ = 0;
  co_return std::exchange(pending_, {});
}

bool http_stream::complete() const noexcept { return parser_->complete(); }

// Reads once. An error is said again by every later call, but for errc::timed_out and errc::cancelled.
task<std::error_code> http_stream::fill(deadline limit) {
  if (ended_) co_return ended_;
  if (parser_->complete()) co_return make_error_code(errc::closed);
  std::array<char, read_size_bytes> buffer;
  auto reading = over_.read_some(buffer, limit);
  const result<std::size_t> got = co_await std::move(reading);
  if (got) {
    parser_->feed(std::string_view(buffer.data(), *got));
    pending_ += parser_->take_body();
    if (parser_->failed() != http_parser::fault::none) ended_ = parser_->error();
    co_return std::error_code();
  }
  if (got.error() == errc::timed_out || got.error() == errc::cancelled) co_return got.error();
  if (got.error() == errc::closed) parser_->end_of_input();
  ended_ = got.error();
  co_return ended_;
}

}  // namespace hale
