#include "hale/wire/url.hpp"

#include <algorithm>

namespace hale {

namespace {

constexpr std::size_t max_target_bytes = 8 * 1024;
constexpr std::size_t max_segments = 16;
constexpr std::size_t max_pairs = 32;

int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// In a query '+' stands for a space (the forms' encoding, which clients apply to queries at large).
result<std::string> decode(std::string_view text, bool in_query) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char letter = text[at];
    if (letter <= ' ' || letter >= 127) return errc::malformed;
    if (letter == '+' && in_query) letter = ' ';
    if (letter == '%') {
      if (text.size() - at < 3) return errc::malformed;
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return errc::malformed;
      letter = static_cast<char>(high * 16 + low);
      at += 2;
    }
    out += letter;
  }
  return out;
}

std::string_view take_until(std::string_view& rest, char separator) noexcept {
  const std::string_view taken = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
  return taken;
}

std::error_code read_path(std::string_view path, request_target& into) {
  path.remove_prefix(1);
  while (!path.empty()) {
    if (into.path.size() == max_segments) return errc::too_large;
    result<std::string> segment = decode(take_until(path, '/'), false);
    if (!segment) return segment.error();
    if (segment->empty() || *segment == "." || *segment == "..") return errc::malformed;
    into.path.push_back(std::move(*segment));
  }
  return {};
}

std::error_code read_query(std::string_view query, request_target& into) {
  while (!query.empty()) {
    std::string_view pair = take_until(query, '&');
    if (pair.empty()) continue;
    if (into.query.size() == max_pairs) return errc::too_large;
    result<std::string> name = decode(take_until(pair, '='), true);
    if (!name) return name.error();
    result<std::string> value = decode(pair, true);
    if (!value) return value.error();
    into.query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

const std::string* request_target::find(std::string_view name) const noexcept {
  const auto at = std::find_if(query.begin(), query.end(), [&](const auto& pair) { return pair.first == name; });
  return at == query.end() ? nullptr : &at->second;
}

result<request_target> parse_target(std::string_view target) {
  if (target.size() > max_target_bytes) return errc::too_large;
  if (target.empty() || target.front() != '/' || target.find('#') != std::string_view::npos) return errc::malformed;
  request_target found;
  std::error_code failed = read_path(take_until(target, '?'), found);
  if (!failed) failed = read_query(target, found);
  if (failed) return failed;
  return found;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~";
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool alphanumeric =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    if (alphanumeric || plain.find(letter) != std::string_view::npos) {
      out += letter;
    } else {
      out += '%';
      out += digits[byte / 16];
      out += digits[byte % 16];
    }
  }
  return out;
}

}  // namespace hale
