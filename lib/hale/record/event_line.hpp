// An event as one line for a person: when, who, what, and why. Texts may come from children, so nothing in them can
// break the line, move the cursor or colour the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hale/heal/event.hpp"

namespace hale {

enum class line_colour { none, ansi };

/// "2026-11-21T20:25:00.123Z llama-1 serving -> stopping [hung]: no answer for 46s", without a newline, at most about
/// 1,000 bytes.
std::string event_line(const event& what, line_colour colour = line_colour::none);

/// `text` on one line with everything invisible spelled out (\n, \x1b, …), cut to `most_bytes` with an ellipsis.
std::string printable(std::string_view text, std::size_t most_bytes = 512);

}  // namespace hale
