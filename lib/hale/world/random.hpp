// All chance in hale: bounded integer draws, each with a label that names what is decided. 0 is always the benign value.
#pragma once

#include <cstdint>
#include <string_view>

namespace hale {

/// An exact probability. REQUIRES: numerator <= denominator, denominator > 0.
struct ratio {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;
};

class random_source {
 public:
  virtual ~random_source() = default;
  /// Uniform in [0, bound). REQUIRES: bound > 0
  virtual std::uint64_t below(std::uint64_t bound, std::string_view label) noexcept = 0;
  bool chance(ratio probability, std::string_view label) noexcept {
    return below(probability.denominator, label) >= probability.denominator - probability.numerator;
  }
};

}  // namespace hale
