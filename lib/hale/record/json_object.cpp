#include "hale/record/json_object.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "hale/base/text.hpp"
#include "hale/record/utf8.hpp"

namespace hale {
namespace {

void append_escaped(std::string& out, char32_t character) {
  switch (character) {
    case U'"': out += "\\\""; return;
    case U'\\': out += "\\\\"; return;
    case U'\n': out += "\\n"; return;
    case U'\r': out += "\\r"; return;
    case U'\t': out += "\\t"; return;
    default: break;
  }
  if (character < 0x20 || (character >= 0x7F && character < 0xA0)) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(character));
  } else {
    append_utf8(out, character);
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) append_escaped(out, take_code_point(text));
  out += '"';
}

json_object& json_object::key(std::string_view key) {
  if (!first_) out_ += ',';
  first_ = false;
  out_ += '"';
  out_ += key;
  out_ += "\":";
  return *this;
}

json_object& json_object::text(std::string_view name, std::string_view value) {
  key(name);
  append_json_string(out_, value);
  return *this;
}

json_object& json_object::text_or_null(std::string_view name, std::string_view value) {
  return value.empty() ? null(name) : text(name, value);
}

json_object& json_object::number(std::string_view name, std::uint64_t value) {
  key(name);
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

json_object& json_object::signed_number(std::string_view name, std::int64_t value) {
  key(name);
  fmt::format_to(std::back_inserter(out_), "{}", value);
  return *this;
}

json_object& json_object::real_or_null(std::string_view name, std::optional<double> value) {
  if (!value.has_value() || !std::isfinite(*value)) return null(name);
  key(name);
  fmt::format_to(std::back_inserter(out_), "{}", *value);
  return *this;
}

json_object& json_object::boolean_or_null(std::string_view name, std::optional<bool> value) {
  if (!value.has_value()) return null(name);
  key(name);
  out_ += *value ? "true" : "false";
  return *this;
}

json_object& json_object::null(std::string_view name) {
  key(name);
  out_ += "null";
  return *this;
}

json_object& json_object::milliseconds_or_null(std::string_view name, std::optional<duration> value) {
  if (!value.has_value()) return null(name);
  return signed_number(name, std::chrono::duration_cast<std::chrono::milliseconds>(*value).count());
}

json_object& json_object::time_or_null(std::string_view name, std::optional<wall_time> value) {
  if (!value.has_value()) return null(name);
  return text(name, to_rfc3339(*value));
}

}  // namespace hale
