// One HTTP request whose response is read as it comes, for followers of events and logs.
//
//     http_stream stream(*connection, http_limits());
//     auto opening = stream.open(std::move(request), limit);
//     auto head = co_await std::move(opening);                    // status and fields
//     while (auto line = co_await stream.read_line(next_limit)) show(*line);
#pragma once

#include <memory>

#include "hale/wire/http_message.hpp"
#include "hale/world/network.hpp"

namespace hale {

class http_parser;

/// The connection outlives it. One operation at a time.
class http_stream {
 public:
  http_stream(byte_stream& over, http_limits limits);
  ~http_stream();

  /// Sends the request and waits for the head of the response; its body is empty. Errors as http_exchange. Once.
  task<result<http_response>> open(http_request request, deadline limit);
  /// The next line without its line break; also a last one that has none. errc::closed after the last,
  /// errc::too_large for one longer than max_body_bytes. After errc::timed_out the call may be repeated: nothing is lost.
  task<result<std::string>> read_line(deadline limit);
  /// Whatever came next, at least one byte. Errors as read_line.
  task<result<std::string>> read_some(deadline limit);
  /// True once the server has said that the response is whole; false after errc::closed: it was cut short.
  bool complete() const noexcept;

 private:
  task<std::error_code> fill(deadline limit);

  byte_stream& over_;
  http_limits limits_;
  std::unique_ptr<http_parser> parser_;
  std::string pending_;       ///< body that came and was not handed out
  std::size_t searched_ = 0;  ///< of pending_, known to hold no line break
  std::error_code ended_;
};

}  // namespace hale
