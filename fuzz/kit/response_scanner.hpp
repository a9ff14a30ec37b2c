// Takes what a server wrote on one connection apart into responses, as strictly as the standard has them written and
// without the library's own parser, which would forgive itself.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kit/check.hpp"

namespace hale::fuzz {

struct scanned_response {
  int status = 0;
  std::map<std::string, std::string> fields;
  std::string body;
  bool whole = true;  ///< false: the connection ended before the response did, and what there was has been taken
};

class response_scanner {
 public:
  explicit response_scanner(std::string_view bytes) : rest_(bytes) {}

  bool at_end() const noexcept { return rest_.empty(); }

  /// The next response. `to_head`: it answers HEAD, so that no body follows.
  scanned_response take(bool to_head) {
    scanned_response found;
    if (rest_.find("\r\n\r\n") == std::string_view::npos) {
      rest_ = {};
      found.whole = false;
      return found;
    }
    const std::string_view first = take_line();
    CHECK(first.size() >= 13 && first.starts_with("HTTP/1.1 ") && first[12] == ' ');
    found.status = static_cast<int>(number(first.substr(9, 3), 10));
    CHECK(found.status >= 100 && found.status <= 599);
    for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
      const std::size_t colon = line.find(": ");
      CHECK(colon != std::string_view::npos && colon > 0);
      const bool fresh = found.fields.emplace(line.substr(0, colon), line.substr(colon + 2)).second;
      CHECK(fresh);
    }
    if (to_head || found.status < 200 || found.status == 204 || found.status == 304) return found;
    take_body(found);
    return found;
  }

 private:
  std::string_view take_line() {
    const std::size_t end = rest_.find("\r\n");
    CHECK(end != std::string_view::npos);
    const std::string_view line = rest_.substr(0, end);
    CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c != '\r' && c != '\n' && c != '\0'; }));
    rest_.remove_prefix(end + 2);
    return line;
  }

  static std::size_t number(std::string_view digits, int base) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    CHECK(error == std::errc() && end == digits.data() + digits.size());
    return value;
  }

  void take_body(scanned_response& into) {
    const auto length = into.fields.find("Content-Length");
    const auto encoding = into.fields.find("Transfer-Encoding");
    CHECK(length == into.fields.end() || encoding == into.fields.end());
    if (length != into.fields.end()) {
      const std::size_t size = number(length->second, 10);
      into.whole = size <= rest_.size();
      take_bytes(into.body, size);
    } else if (encoding != into.fields.end()) {
      CHECK(encoding->second == "chunked");
      take_chunks(into);
    } else {
      CHECK(into.fields.find("Connection") != into.fields.end() && into.fields["Connection"] == "close");
      take_bytes(into.body, rest_.size());
    }
  }

  void take_chunks(scanned_response& into) {
    for (;;) {
      if (rest_.find("\r\n") == std::string_view::npos) {
        rest_ = {};
        into.whole = false;
        return;
      }
      const std::size_t size = number(take_line(), 16);
      into.whole = size + 2 <= rest_.size();
      take_bytes(into.body, size);
      if (!into.whole) {
        rest_ = {};
        return;
      }
      CHECK(take_line().empty());
      if (size == 0) return;
    }
  }

  void take_bytes(std::string& into, std::size_t count) {
    into += rest_.substr(0, count);
    rest_.remove_prefix(std::min(count, rest_.size()));
  }

  std::string_view rest_;
};

}  // namespace hale::fuzz
