// Writes one JSON object, key by key in the order given, onto the end of a text. Strings may hold any bytes: what is
// not UTF-8 is replaced. Keys are ours and need no escaping.
//
//     json_object(out).text("error", why).close();
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/time.hpp"

namespace hale {

/// `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

class json_object {
 public:
  explicit json_object(std::string& out) : out_(out) { out_ += '{'; }

  json_object& text(std::string_view key, std::string_view value);
  /// Empty is null.
  json_object& text_or_null(std::string_view key, std::string_view value);
  json_object& number(std::string_view key, std::uint64_t value);
  json_object& signed_number(std::string_view key, std::int64_t value);
  /// What is not finite is null, as is nothing.
  json_object& real_or_null(std::string_view key, std::optional<double> value);
  json_object& boolean_or_null(std::string_view key, std::optional<bool> value);
  json_object& null(std::string_view key);
  /// Whole milliseconds.
  json_object& milliseconds_or_null(std::string_view key, std::optional<duration> value);
  json_object& time_or_null(std::string_view key, std::optional<wall_time> value);
  /// The caller appends the value itself next.
  json_object& key(std::string_view key);
  void close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace hale
