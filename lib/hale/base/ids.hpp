// Strong identifiers: numbers that cannot be mixed up. An id orders and compares; it does not count or add.
#pragma once

#include <compare>
#include <cstdint>

namespace hale {

template <class Tag>
class strong_id {
 public:
  using value_type = std::uint64_t;
  constexpr strong_id() = default;
  constexpr explicit strong_id(value_type value) : value_(value) {}
  constexpr value_type value() const { return value_; }
  friend constexpr auto operator<=>(const strong_id&, const strong_id&) = default;

 private:
  value_type value_ = 0;
};

/// One life of an instance: a counter that starts at 1 with the first spawn and never goes back.
using incarnation_number = strong_id<struct incarnation_tag>;

}  // namespace hale
