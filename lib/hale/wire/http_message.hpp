// HTTP requests and responses as values, and their bytes. What frames a message (Content-Length, Transfer-Encoding,
// Connection) belongs to the client and the server: such fields set by a caller are left out when it is written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"

namespace hale {

/// Fields in the order they came or were added; names compare without regard to case.
class http_headers {
 public:
  using field = std::pair<std::string, std::string>;

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The value of the first field of that name, or null.
  const std::string* find(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
  std::size_t size() const noexcept { return fields_.size(); }
  bool empty() const noexcept { return fields_.empty(); }
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }

 private:
  std::vector<field> fields_;
};

// The constructors keep these from being aggregates, which GCC 12 destroys twice inside a co_await.

struct http_request {
  http_request() = default;
  http_request(std::string how, std::string what) : method(std::move(how)), target(std::move(what)) {}

  std::string method = "GET";
  std::string target = "/";
  http_headers headers;
  std::string body;
};

struct http_response {
  http_response() = default;
  explicit http_response(int code) : status(code) {}
  http_response(int code, std::string content_type, std::string content) : status(code), body(std::move(content)) {
    headers.add("Content-Type", std::move(content_type));
  }

  int status = 200;
  std::string reason;  ///< empty: the usual words for the status are written
  http_headers headers;
  std::string body;
  bool body_truncated = false;  ///< the body was longer than the reader's bound, and was cut there
};

/// How much of a message is read at most.
struct http_limits {
  http_limits() = default;
  std::size_t max_head_bytes = 16 * 1024;  ///< first line and fields together
  std::size_t max_line_bytes = 8 * 1024;   ///< a request's target; a line of a stream is bounded by max_body_bytes
  std::size_t max_headers = 100;
  std::size_t max_body_bytes = 64 * 1024;
};

/// The usual words for a status, "" for one without.
std::string_view http_reason(int status) noexcept;

/// The bytes of a request, to be the only one on its connection; "Host: localhost" is added where none is set.
/// errc::malformed if a part holds what may not stand there, line breaks above all: nothing can be smuggled in.
result<std::string> serialise(const http_request& request);

/// How the end of a response's body is marked, and what becomes of the connection.
enum class http_framing {
  length,        ///< Content-Length; the connection is kept
  length_close,  ///< Content-Length; then the connection is closed
  chunked,       ///< in chunks; the connection is kept. Only the head is written
  until_close,   ///< the end of the connection (HTTP/1.0). Only the head is written
};
/// The bytes of a response; without its body if `head_only` (the answer to HEAD). errc::malformed as above.
result<std::string> serialise(const http_response& response, http_framing framing, bool head_only = false);

}  // namespace hale
