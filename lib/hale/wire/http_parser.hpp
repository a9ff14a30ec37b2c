// One HTTP/1 message taken apart as its bytes arrive, within bounds: llhttp reads the grammar, this keeps the parts and
// counts. For the sources of this room only.
#pragma once

#include <llhttp/llhttp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "hale/wire/http_message.hpp"

namespace hale {

class http_parser {
 public:
  enum class kind {
    request,   ///< a body beyond the bound is a fault
    response,  ///< a body beyond the bound is cut; interim (1xx) responses are passed over
  };
  enum class fault { none, malformed, target_too_long, head_too_large, body_too_large };

  http_parser(kind what, const http_limits& limits) noexcept;
  http_parser(const http_parser&) = delete;
  http_parser& operator=(const http_parser&) = delete;

  /// The response answers HEAD: what it says of its body is not followed by one.
  void expect_no_body() noexcept { no_body_ = true; }
  /// Takes bytes until the message is complete or at fault; gives how many it took.
  std::size_t feed(std::string_view bytes);
  /// The peer has sent its last, which ends a body of unstated length.
  void end_of_input() noexcept;

  bool head_complete() const noexcept { return head_complete_; }
  bool complete() const noexcept { return complete_; }
  fault failed() const noexcept { return fault_; }
  /// The fault as an error code. REQUIRES: failed() != fault::none
  std::error_code error() const noexcept;

  // Known once head_complete().
  bool keep_alive() const noexcept { return keep_alive_; }
  bool version_1_0() const noexcept { return parser_.http_minor == 0; }
  const http_headers& headers() const noexcept { return headers_; }

  http_request take_request();
  http_response take_response();
  /// The part of the body that has come since it was last taken.
  std::string take_body() { return std::exchange(body_, {}); }

 private:
  struct callbacks;
  void restart() noexcept;
  std::size_t execute(std::string_view piece);
  bool is_interim() const noexcept;
  int fail(fault why) noexcept;
  int add_to_body(std::string_view piece);
  int finish_head();

  llhttp_t parser_;
  http_limits limits_;
  kind kind_;
  bool no_body_ = false;
  bool head_complete_ = false;
  bool complete_ = false;
  bool truncated_ = false;
  bool keep_alive_ = false;
  fault fault_ = fault::none;
  std::uint64_t taken_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::string line_;  ///< target or reason
  std::string field_name_;
  std::string field_value_;
  http_headers headers_;
  std::string body_;
};

}  // namespace hale
