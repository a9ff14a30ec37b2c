#include "hale/record/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace hale {
namespace {

// What a leading byte promises: how many bytes follow, and between which bounds the first of them must lie (this is
// where overlong forms, surrogates and what lies beyond U+10FFFF are refused; table 3-7 of the Unicode standard).
struct lead {
  int following = -1;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  char32_t bits = 0;
};

lead read_lead(unsigned byte) noexcept {
  lead found;
  if (byte < 0x80) {
    found.following = 0;
    found.bits = byte;
  } else if (byte >= 0xC2 && byte <= 0xDF) {
    found.following = 1;
    found.bits = byte & 0x1Fu;
  } else if (byte >= 0xE0 && byte <= 0xEF) {
    found.following = 2;
    found.bits = byte & 0x0Fu;
    if (byte == 0xE0) found.low = 0xA0;
    if (byte == 0xED) found.high = 0x9F;
  } else if (byte >= 0xF0 && byte <= 0xF4) {
    found.following = 3;
    found.bits = byte & 0x07u;
    if (byte == 0xF0) found.low = 0x90;
    if (byte == 0xF4) found.high = 0x8F;
  }
  return found;
}

}  // namespace

char32_t take_code_point(std::string_view& text) noexcept {
  lead first = read_lead(static_cast<unsigned char>(text.front()));
  text.remove_prefix(1);
  if (first.following < 0) return replacement_character;
  char32_t value = first.bits;
  for (int left = first.following; left > 0; --left) {
    if (text.empty()) return replacement_character;
    const unsigned byte = static_cast<unsigned char>(text.front());
    if (byte < first.low || byte > first.high) return replacement_character;
    text.remove_prefix(1);
    value = (value << 6) | (byte & 0x3Fu);
    first.low = 0x80;
    first.high = 0xBF;
  }
  return value;
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80u | ((code_point >> shift) & 0x3Fu)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0u | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0u | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0u | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace hale
