// A TOML text as a tree in the order of the file, each value with the place it was written at. All that the other pages
// of this room know of TOML.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/result.hpp"

namespace hale {

/// From 1; columns count characters, not bytes.
struct text_position {
  unsigned line = 1;
  unsigned column = 1;
  friend auto operator<=>(const text_position&, const text_position&) = default;
};

struct document_node {
  enum class kind { text, integer, real, flag, time, array, table };
  kind type = kind::table;
  text_position at;
  std::string key;  ///< of a member of a table
  text_position key_at;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  bool flag = false;
  std::vector<document_node> children;  ///< the elements of an array, or the members of a table
};

struct document_error {
  text_position at;
  std::string message;
};

/// The largest text that is read.
inline constexpr std::size_t max_document_bytes = 1 << 20;

/// The root table, or the first error.
result<document_node, document_error> parse_document(std::string_view text);

}  // namespace hale
