// The target of a request: its path in segments and its query in pairs, with percent escapes undone; and the escape
// itself, for those who build one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"

namespace hale {

struct request_target {
  std::vector<std::string> path;  ///< "/v1/instances/a%2Fb" is {"v1", "instances", "a/b"}; "/" is {}
  std::vector<std::pair<std::string, std::string>> query;  ///< in order; "?a=1&b" is {{"a","1"},{"b",""}}

  /// The value of the first pair of that name, or null.
  const std::string* find(std::string_view name) const noexcept;
};

/// errc::malformed unless it begins with '/', has whole escapes, no escaped NUL, no fragment, no empty, "." or ".."
/// segment (one trailing '/' is let pass); errc::too_large beyond 8 KiB, 16 segments or 32 pairs.
result<request_target> parse_target(std::string_view target);

/// `text` with everything but letters, digits and "-._~" escaped: safe as a segment, a name or a value.
std::string percent_encode(std::string_view text);

}  // namespace hale
