// Remembers which failures have had their one restart: those of restart_class::once are held the second time.
#pragma once

#include <cstdint>

#include "hale/policy/cause.hpp"
#include "hale/policy/signatures.hpp"

namespace hale {

class repeat_guard {
 public:
  /// It failed for `what`, and its verdict says `wanted`. Returns restart or hold.
  restart_class admit(cause what, restart_class wanted) noexcept;
  /// Stable for long enough, or a person intervened.
  void reset() noexcept { seen_ = 0; }

 private:
  std::uint32_t seen_ = 0;  ///< one bit a cause
};

}  // namespace hale
