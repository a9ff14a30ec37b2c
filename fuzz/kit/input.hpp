// One input, taken apart: its first line is a list of choices, one byte each, the rest is the text that the subject is
// given. Choices that are not there are 0, the plainest; '0' to '9' stand for themselves, so that seeds can be written
// by hand. What consists of several parts (connections, datagrams, requests) has them separated by the byte 0x1E.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hale::fuzz {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

class input {
 public:
  input(const std::uint8_t* data, std::size_t size) {
    const std::string_view all = as_text(data, size);
    choices_ = all.substr(0, all.find('\n'));
    text_ = all.substr(std::min(choices_.size() + 1, all.size()));
  }

  std::string_view text() const noexcept { return text_; }

  /// The next choice among `bound` many.
  std::size_t choose(std::size_t bound) noexcept {
    if (next_ == choices_.size()) return 0;
    const auto byte = static_cast<std::uint8_t>(choices_[next_++] - '0');
    return byte % bound;
  }
  bool flip() noexcept { return choose(2) == 1; }

  /// The text in its parts, at most `most`; always at least one.
  std::vector<std::string_view> parts(std::size_t most) const {
    std::vector<std::string_view> found;
    std::string_view rest = text_;
    for (;;) {
      const std::string_view part = rest.substr(0, rest.find('\x1e'));
      found.push_back(part);
      if (part.size() == rest.size() || found.size() == most) return found;
      rest.remove_prefix(part.size() + 1);
    }
  }

  /// The sizes of successive pieces, over and over: what is left of the choices, 0 being no bound.
  class pieces {
   public:
    explicit pieces(std::string_view sizes) : sizes_(sizes) {}
    std::size_t operator()() noexcept {
      if (sizes_.empty()) return whole;
      const auto size = static_cast<std::uint8_t>(sizes_[next_++ % sizes_.size()] - '0');
      return size == 0 ? whole : size;
    }

   private:
    static constexpr std::size_t whole = std::size_t{1} << 20;
    std::string_view sizes_;
    std::size_t next_ = 0;
  };
  pieces rest_as_pieces() const { return pieces(choices_.substr(next_)); }

 private:
  std::string_view choices_;
  std::string_view text_;
  std::size_t next_ = 0;
};

}  // namespace hale::fuzz
