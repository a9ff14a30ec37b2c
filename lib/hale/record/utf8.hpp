// Reading text that may be anything: children print what they like, and nothing they print may break a terminal or a
// JSON parser.
#pragma once

#include <string>
#include <string_view>

namespace hale {

inline constexpr char32_t replacement_character = 0xFFFD;

/// Takes one code point off the front of `text`; what is not UTF-8 gives the replacement character, one for each longest
/// beginning of a valid sequence, so that the reader is back in step as soon as the text is. REQUIRES: !text.empty()
char32_t take_code_point(std::string_view& text) noexcept;

void append_utf8(std::string& out, char32_t code_point);

}  // namespace hale
