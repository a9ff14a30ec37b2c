// The state of a cluster as one JSON object, for `hale status --json` and the control API, and back again for the
// command line. Keys and their order are a promise (behaviour, section 12).
#pragma once

#include <string>
#include <string_view>

#include "hale/base/result.hpp"
#include "hale/heal/status.hpp"

namespace hale {

/// One line, without its newline. Times are RFC 3339 UTC, durations milliseconds (response_ms with microseconds behind
/// the point), what is absent is null.
std::string status_json(const cluster_status& status);

/// Reads what status_json wrote; errc::malformed for anything else. Unknown fields are ignored.
result<cluster_status> parse_status(std::string_view text);

}  // namespace hale
