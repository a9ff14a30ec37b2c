// An event as one line of JSON: the form in which `hale events --json`, the control API and alert hooks tell it. Keys
// and their order are a promise (behaviour, section 12).
#pragma once

#include <string>
#include <string_view>

#include "hale/base/result.hpp"
#include "hale/heal/event.hpp"

namespace hale {

/// An event together with the cluster it happened in.
struct recorded_event {
  std::string cluster;
  event what;
};

/// One line, without its newline. What is empty is null; what is not UTF-8 is replaced.
std::string event_json(const event& what, std::string_view cluster);

/// Reads what event_json wrote; errc::malformed for anything else. Unknown fields are ignored.
result<recorded_event> parse_event(std::string_view line);

/// Says to a follower who was too slow that events are missing here: `{"gap":COUNT}`.
std::string gap_json(std::uint64_t missed);
/// The count, where `line` is such a marker.
result<std::uint64_t> parse_gap(std::string_view line);

}  // namespace hale
