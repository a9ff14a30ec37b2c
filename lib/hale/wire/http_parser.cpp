#include "hale/wire/http_parser.hpp"

#include <algorithm>

namespace hale {

namespace {

constexpr int go_on = 0;
constexpr int stop = HPE_USER;

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

}  // namespace

// What llhttp calls. Trailers come through the same functions as header fields, and are dropped.
struct http_parser::callbacks {
  static http_parser& self(llhttp_t* parser) noexcept { return *static_cast<http_parser*>(parser->data); }

  static int line(llhttp_t* parser, const char* at, std::size_t length) {
    http_parser& to = self(parser);
    if (to.line_.size() + length > to.limits_.max_line_bytes) return to.fail(fault::target_too_long);
    to.line_.append(at, length);
    return go_on;
  }
  static int field_name(llhttp_t* parser, const char* at, std::size_t length) {
    if (!self(parser).head_complete_) self(parser).field_name_.append(at, length);
    return go_on;
  }
  static int field_value(llhttp_t* parser, const char* at, std::size_t length) {
    if (!self(parser).head_complete_) self(parser).field_value_.append(at, length);
    return go_on;
  }
  static int field_complete(llhttp_t* parser) {
    http_parser& to = self(parser);
    if (to.head_complete_) return go_on;
    if (to.headers_.size() >= to.limits_.max_headers) return to.fail(fault::head_too_large);
    if (to.field_name_.empty()) return to.fail(fault::malformed);  // which llhttp lets pass
    to.headers_.add(std::move(to.field_name_), std::string(trimmed(to.field_value_)));
    to.field_name_.clear();
    to.field_value_.clear();
    return go_on;
  }
  static int head_complete(llhttp_t* parser) { return self(parser).finish_head(); }
  static int body(llhttp_t* parser, const char* at, std::size_t length) {
    return self(parser).add_to_body(std::string_view(at, length));
  }
  static int message_complete(llhttp_t* parser) {
    self(parser).complete_ = true;
    return HPE_PAUSED;
  }

  static constexpr llhttp_settings_t all() noexcept {
    llhttp_settings_t made{};
    made.on_url = &line;
    made.on_status = &line;
    made.on_header_field = &field_name;
    made.on_header_value = &field_value;
    made.on_header_value_complete = &field_complete;
    made.on_headers_complete = &head_complete;
    made.on_body = &body;
    made.on_message_complete = &message_complete;
    return made;
  }
  static const llhttp_settings_t settings;
};

constinit const llhttp_settings_t http_parser::callbacks::settings = all();

http_parser::http_parser(kind what, const http_limits& limits) noexcept : limits_(limits), kind_(what) { restart(); }

void http_parser::restart() noexcept {
  llhttp_init(&parser_, kind_ == kind::request ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks::settings);
  parser_.data = this;
  head_complete_ = false;
  complete_ = false;
  line_.clear();
  headers_ = http_headers();
}

std::size_t http_parser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !complete_ && fault_ == fault::none) {
    std::string_view next = bytes.substr(taken);
    if (!head_complete_) next = next.substr(0, limits_.max_head_bytes - static_cast<std::size_t>(taken_bytes_));
    taken += execute(next);
    if (complete_ && is_interim()) restart();
    if (!head_complete_ && taken_bytes_ >= limits_.max_head_bytes) fail(fault::head_too_large);
  }
  return taken;
}

std::size_t http_parser::execute(std::string_view piece) {
  const llhttp_errno_t outcome = llhttp_execute(&parser_, piece.data(), piece.size());
  std::size_t taken = piece.size();
  if (outcome != HPE_OK) {
    taken = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - piece.data());
    if (!complete_) fail(fault::malformed);
  }
  taken_bytes_ += taken;
  // Chunk extensions and trailers are not kept; nor may they go on for ever.
  const std::uint64_t framing = taken_bytes_ - std::min(taken_bytes_, body_bytes_);
  if (!complete_ && framing > 2 * limits_.max_head_bytes + 8 * body_bytes_) fail(fault::head_too_large);
  return taken;
}

void http_parser::end_of_input() noexcept {
  if (!complete_ && fault_ == fault::none) llhttp_finish(&parser_);
}

// 101 is final: it follows a request to upgrade, which is never made here.
bool http_parser::is_interim() const noexcept {
  return kind_ == kind::response && parser_.status_code < 200 && parser_.status_code != 101;
}

int http_parser::fail(fault why) noexcept {
  if (fault_ == fault::none) fault_ = why;
  return stop;
}

int http_parser::finish_head() {
  if (parser_.http_major != 1) return fail(fault::malformed);
  if (kind_ == kind::response && (parser_.status_code < 100 || parser_.status_code > 599)) return fail(fault::malformed);
  if (kind_ == kind::request && parser_.content_length > limits_.max_body_bytes) return fail(fault::body_too_large);
  head_complete_ = true;
  keep_alive_ = parser_.method != HTTP_CONNECT && llhttp_should_keep_alive(&parser_) != 0;
  return no_body_ || is_interim() ? 1 : go_on;  // 1: no body follows, whatever the fields say
}

int http_parser::add_to_body(std::string_view piece) {
  body_bytes_ += piece.size();
  const std::size_t room = limits_.max_body_bytes - body_.size();
  if (piece.size() <= room) {
    body_.append(piece);
    return go_on;
  }
  if (kind_ == kind::request) return fail(fault::body_too_large);
  body_.append(piece.substr(0, room));
  truncated_ = true;
  complete_ = true;
  return stop;
}

std::error_code http_parser::error() const noexcept {
  return fault_ == fault::malformed ? errc::malformed : errc::too_large;
}

http_request http_parser::take_request() {
  http_request taken(llhttp_method_name(static_cast<llhttp_method_t>(parser_.method)), std::move(line_));
  taken.headers = std::move(headers_);
  taken.body = std::move(body_);
  return taken;
}

http_response http_parser::take_response() {
  http_response taken(parser_.status_code);
  taken.reason = std::move(line_);
  taken.headers = std::move(headers_);
  taken.body = std::move(body_);
  taken.body_truncated = truncated_;
  return taken;
}

}  // namespace hale
