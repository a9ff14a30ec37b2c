#include "hale/wire/http_connection.hpp"

#include <fmt/format.h>

#include <array>

#include "hale/async/race.hpp"
#include "hale/wire/http_parser.hpp"
#include "hale/wire/stream_io.hpp"

namespace hale {

namespace {

using namespace std::chrono_literals;

// Outcomes of receive() beside the statuses that refuse a request.
constexpr int request_received = 0;
constexpr int nothing_to_answer = -1;

constexpr std::size_t max_unread_bytes = 16 * 1024;
constexpr std::size_t max_lingering_bytes = 256 * 1024;
constexpr duration lingering = 1s;

int status_of(http_parser::fault why) noexcept {
  switch (why) {
    case http_parser::fault::target_too_long: return 414;
    case http_parser::fault::head_too_large: return 431;
    case http_parser::fault::body_too_large: return 413;
    default: return 400;
  }
}

// RFC 9112, 3.2: exactly one Host, but for HTTP/1.0.
bool is_addressed(const http_parser& parser) noexcept {
  const std::size_t hosts = parser.headers().count("Host");
  return hosts == 1 || (hosts == 0 && parser.version_1_0());
}

http_response plain(int status) {
  return http_response(status, "text/plain; charset=utf-8", fmt::format("{} {}\n", status, http_reason(status)));
}

enum class expectation { none, go_ahead, unknown };

expectation expected(const http_parser& parser) {
  const std::string* wish = parser.headers().find("Expect");
  if (wish == nullptr || parser.version_1_0()) return expectation::none;
  return *wish == "100-continue" || *wish == "100-Continue" ? expectation::go_ahead : expectation::unknown;
}

}  // namespace

http_connection::http_connection(std::unique_ptr<byte_stream> stream, http_handler& handler,
                                 const http_server_options& options)
    : stream_(std::move(stream)), handler_(handler), options_(options) {
  peer_.user = stream_->peer_user();
}

task<void> http_connection::serve() {
  const bool welcome = !options_.authorize || options_.authorize(peer_);
  if (!welcome) {
    auto refusing = refuse(403);
    co_await std::move(refusing);
    co_return;
  }
  bool more = true;
  for (bool first = true; more; first = false) {
    auto serving = serve_one(first);
    more = co_await std::move(serving);
  }
  auto ending = hang_up();
  co_await std::move(ending);
}

task<void> http_connection::refuse(int status) {
  auto saying = say(status);
  co_await std::move(saying);
  auto ending = hang_up();
  co_await std::move(ending);
}

// One request and its response. False: the connection is of no more use.
task<bool> http_connection::serve_one(bool first) {
  http_parser parser(http_parser::kind::request, options_.limits);
  head_only_ = false;
  auto receiving = receive(parser, first);
  const int outcome = co_await std::move(receiving);
  if (outcome == nothing_to_answer) co_return false;
  if (outcome != request_received) {
    auto refusing = say(outcome);
    co_await std::move(refusing);
    co_return false;
  }
  keep_alive_ = parser.keep_alive() && !parser.version_1_0();
  version_1_0_ = parser.version_1_0();
  http_request request = parser.take_request();
  head_only_ = request.method == "HEAD";
  answered_ = answer::none;
  streaming_.emplace();
  auto replying = reply_to(std::move(request));
  co_return co_await std::move(replying);
}

// Reads until the parser has a whole request; otherwise gives the status to refuse with, or nothing_to_answer.
task<int> http_connection::receive(http_parser& parser, bool first) {
  bool started = false;
  bool told_to_go_ahead = false;
  deadline limit = within(first ? options_.request_timeout : options_.idle_timeout);
  for (;;) {
    if (!unread_.empty()) {
      if (!started && !first) limit = within(options_.request_timeout);
      started = true;
      unread_.erase(0, parser.feed(unread_));
      if (parser.failed() != http_parser::fault::none) co_return status_of(parser.failed());
      if (parser.head_complete() && !is_addressed(parser)) co_return 400;
      if (parser.head_complete() && expected(parser) == expectation::unknown) co_return 417;
      if (parser.complete()) co_return request_received;
    }
    if (gone_) co_return nothing_to_answer;
    if (parser.head_complete() && !told_to_go_ahead) {
      told_to_go_ahead = true;
      if (expected(parser) == expectation::go_ahead) {
        auto telling = transmit("HTTP/1.1 100 Continue\r\n\r\n");
        const std::error_code untold = co_await std::move(telling);
        if (untold) co_return nothing_to_answer;
      }
    }
    auto reading = read_more(limit);
    const std::error_code failed = co_await std::move(reading);
    if (failed == errc::timed_out && started) co_return 408;
    if (failed) co_return nothing_to_answer;
  }
}

task<bool> http_connection::reply_to(http_request request) {
  auto both = race(run_handler(std::move(request)), watch_peer());
  auto outcome = co_await both;
  const bool handled = outcome.get<0>();
  const context here = co_await this_context();
  if (here.cancelled()) co_return false;
  if (answered_ == answer::none) {
    auto saying = say(500);
    co_await std::move(saying);
    co_return false;
  }
  if (!handled) co_return false;
  const bool has_body_in_pieces = answered_ == answer::stream && !head_only_;
  const bool cut_short = has_body_in_pieces && outcome.winner != 0;
  if (has_body_in_pieces && !cut_short && !version_1_0_) {
    auto ending = transmit("0\r\n\r\n");
    co_await std::move(ending);
  }
  co_return keep_alive_ && !broken_ && !cut_short;
}

// False if the handler threw.
task<bool> http_connection::run_handler(http_request request) {
  try {
    auto handling = handler_.handle(std::move(request), *this, peer_);
    co_await std::move(handling);
    co_return true;
  } catch (...) {
  }
  co_return false;
}

// Ends, and by that the handler, once the peer has gone and the response is a stream. A peer that has only stopped
// sending still gets its whole response. One that fills the buffer with further requests is not watched any more.
task<void> http_connection::watch_peer() {
  while (!gone_ && unread_.size() < max_unread_bytes) {
    auto reading = read_more(deadline::never());
    const std::error_code failed = co_await std::move(reading);
    if (failed == errc::cancelled) co_return;
  }
  trigger until_cancelled;
  if (gone_) {
    co_await streaming_->wait();
  } else {
    co_await until_cancelled.wait();
  }
}

task<std::error_code> http_connection::send(http_response response) {
  if (broken_) co_return broken_;
  if (answered_ != answer::none) co_return make_error_code(errc::refused);
  const http_framing framing = keep_alive_ ? http_framing::length : http_framing::length_close;
  result<std::string> bytes = serialise(response, framing, head_only_);
  if (!bytes) co_return bytes.error();
  answered_ = answer::whole;
  auto sending = transmit(std::move(*bytes));
  co_return co_await std::move(sending);
}

task<std::error_code> http_connection::begin(http_response head) {
  if (broken_) co_return broken_;
  if (answered_ != answer::none) co_return make_error_code(errc::refused);
  const http_framing framing = version_1_0_ ? http_framing::until_close : http_framing::chunked;
  result<std::string> bytes = serialise(head, framing);
  if (!bytes) co_return bytes.error();
  answered_ = answer::stream;
  streaming_->fire();
  auto sending = transmit(std::move(*bytes));
  const std::error_code failed = co_await std::move(sending);
  if (failed || head.body.empty()) co_return failed;
  auto writing = write(std::move(head.body));
  co_return co_await std::move(writing);
}

task<std::error_code> http_connection::write(std::string piece) {
  if (answered_ != answer::stream) co_return make_error_code(errc::refused);
  if (head_only_) co_return make_error_code(errc::closed);
  if (piece.empty()) co_return broken_;  // an empty chunk would be the last one
  if (!version_1_0_) piece = fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  auto sending = transmit(std::move(piece));
  co_return co_await std::move(sending);
}

// Takes in at least a byte, or learns that no more will come.
task<std::error_code> http_connection::read_more(deadline limit) {
  std::array<char, read_size_bytes> buffer;
  auto reading = stream_->read_some(buffer, limit);
  const result<std::size_t> got = co_await std::move(reading);
  if (got) {
    unread_.append(buffer.data(), *got);
    co_return std::error_code();
  }
  if (got.error() != errc::timed_out && got.error() != errc::cancelled) gone_ = true;
  co_return got.error();
}

// Half a response makes the connection useless, so every error is final.
task<std::error_code> http_connection::transmit(std::string bytes) {
  if (broken_) co_return broken_;
  auto writing = write_all(*stream_, bytes, within(options_.write_timeout));
  broken_ = co_await std::move(writing);
  co_return broken_;
}

task<void> http_connection::say(int status) {
  const result<std::string> bytes = serialise(plain(status), http_framing::length_close, head_only_);
  auto sending = transmit(*bytes);
  co_await std::move(sending);
}

// A socket closed with bytes unread takes the response back from the peer (RST), so what still comes is read away,
// within bounds.
task<void> http_connection::hang_up() {
  unread_.clear();
  stream_->shutdown_send();
  const deadline limit = within(lingering);
  for (std::size_t drained = 0; !gone_ && !broken_ && drained < max_lingering_bytes; drained += unread_.size()) {
    unread_.clear();
    auto reading = read_more(limit);
    const std::error_code failed = co_await std::move(reading);
    if (failed) break;
  }
  stream_->close();
}

}  // namespace hale
