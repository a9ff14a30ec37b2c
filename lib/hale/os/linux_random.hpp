// xoshiro256** seeded by the kernel; nobody reproduces what it draws, so labels are not used.
#pragma once

#include <array>

#include "hale/world/random.hpp"

namespace hale::os {

class linux_random final : public random_source {
 public:
  linux_random() noexcept;
  std::uint64_t below(std::uint64_t bound, std::string_view label) noexcept override;

 private:
  std::uint64_t next() noexcept;
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace hale::os
