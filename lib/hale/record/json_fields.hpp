// Reads the fields of a JSON object that should have a given shape: a field that is absent or null leaves its target
// alone, one of the wrong type makes the whole malformed. Unknown fields are left unread, so that an older reader
// understands a newer writer.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/result.hpp"
#include "hale/base/time.hpp"

namespace hale {

/// Any text to a JSON object, or errc::malformed. Never throws.
result<nlohmann::json> parse_json_object(std::string_view text);

class json_fields {
 public:
  explicit json_fields(const nlohmann::json& object) : object_(object), good_(object.is_object()) {}

  void text(const char* key, std::string& into);
  void time(const char* key, std::optional<wall_time>& into);
  /// Whole milliseconds.
  void milliseconds(const char* key, std::optional<duration>& into);
  void real(const char* key, std::optional<double>& into);
  void boolean(const char* key, std::optional<bool>& into);
  void signed_number(const char* key, std::int64_t& into);

  /// An unsigned number that fits Number.
  template <class Number>
  void number(const char* key, Number& into) {
    const nlohmann::json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > std::numeric_limits<Number>::max()) return fail();
    into = static_cast<Number>(found->get<std::uint64_t>());
  }
  /// A text for which `read` gives an optional or a result with a value.
  template <class Value, class Read>
  void spelled(const char* key, Value& into, Read&& read) {
    const nlohmann::json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_string()) return fail();
    const auto value = read(found->get_ref<const std::string&>());
    if (!value.has_value()) return fail();
    into = *value;
  }
  /// Calls `read(element)` for each element of an array; it returns false where the element is malformed.
  template <class Read>
  void each(const char* key, Read&& read) {
    const nlohmann::json* found = find(key);
    if (found == nullptr) return;
    if (!found->is_array()) return fail();
    for (const nlohmann::json& element : *found) {
      if (!read(element)) return fail();
    }
  }
  /// The field must be there and not null.
  void require(const char* key) {
    if (find(key) == nullptr) fail();
  }
  bool good() const noexcept { return good_; }

 private:
  void fail() noexcept { good_ = false; }
  const nlohmann::json* find(const char* key) const;

  const nlohmann::json& object_;
  bool good_;
};

}  // namespace hale
