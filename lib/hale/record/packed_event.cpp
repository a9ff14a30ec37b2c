#include "hale/record/packed_event.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace hale {
namespace {

// Layout: time (8 bytes), kind, cause + 1, success (0 none, 1 false, 2 true), incarnation as a base-128 number, then each
// text behind its length, also base-128. Never leaves the process, so byte order is the machine's own.

void append_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80u);
  out += static_cast<char>(value);
}

void append_text(std::string& out, std::string_view text, std::size_t most) {
  text = text.substr(0, most);
  append_number(out, text.size());
  out += text;
}

class reader {
 public:
  explicit reader(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(std::size_t count) {
    assert(count <= bytes_.size());
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  unsigned byte() { return static_cast<unsigned char>(take(1).front()); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const unsigned next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7Fu) << shift;
      if (next < 0x80) return value;
    }
  }
  std::string text() { return std::string(take(number())); }

 private:
  std::string_view bytes_;
};

constexpr std::size_t time_bytes = sizeof(std::int64_t);
constexpr std::size_t short_text = 256;    // names, states, actions
constexpr std::size_t long_text = 4096;    // reason
constexpr std::size_t head_bytes = 64;     // everything that is no text, lengths included

}  // namespace

std::string pack(const event& what) {
  static_assert(head_bytes + 5 * short_text + long_text < max_packed_event_bytes);
  std::string out;
  const std::int64_t at = what.at.time_since_epoch().count();
  std::array<char, time_bytes> time{};
  std::memcpy(time.data(), &at, time_bytes);
  out.append(time.data(), time_bytes);
  out += static_cast<char>(what.kind);
  out += what.cause.has_value() ? static_cast<char>(static_cast<int>(*what.cause) + 1) : '\0';
  out += what.success.has_value() ? static_cast<char>(*what.success ? 2 : 1) : '\0';
  append_number(out, what.incarnation.value());
  append_text(out, what.service, short_text);
  append_text(out, what.instance, short_text);
  append_text(out, what.from, short_text);
  append_text(out, what.to, short_text);
  append_text(out, what.action, short_text);
  append_text(out, what.reason, long_text);
  append_text(out, what.details, max_packed_event_bytes - head_bytes - 5 * short_text - long_text);
  out.shrink_to_fit();
  return out;
}

wall_time packed_time(std::string_view bytes) noexcept {
  assert(bytes.size() >= time_bytes);
  std::int64_t at = 0;
  std::memcpy(&at, bytes.data(), time_bytes);
  return wall_time(duration(at));
}

event unpack(std::string_view bytes, std::uint64_t sequence) {
  event found;
  found.sequence = sequence;
  found.at = packed_time(bytes);
  reader from(bytes.substr(time_bytes));
  found.kind = static_cast<event_kind>(from.byte());
  if (const unsigned cause = from.byte(); cause != 0) found.cause = static_cast<hale::cause>(cause - 1);
  if (const unsigned success = from.byte(); success != 0) found.success = success == 2;
  found.incarnation = incarnation_number(from.number());
  found.service = from.text();
  found.instance = from.text();
  found.from = from.text();
  found.to = from.text();
  found.action = from.text();
  found.reason = from.text();
  found.details = from.text();
  return found;
}

}  // namespace hale
