#include "hale/policy/repeat_guard.hpp"

namespace hale {

restart_class repeat_guard::admit(cause what, restart_class wanted) noexcept {
  static_assert(static_cast<unsigned>(cause::unknown) < 32);
  if (wanted == restart_class::hold) return restart_class::hold;
  if (wanted != restart_class::once) return restart_class::restart;
  const std::uint32_t bit = 1U << static_cast<unsigned>(what);
  const bool again = (seen_ & bit) != 0;
  seen_ |= bit;
  return again ? restart_class::hold : restart_class::restart;
}

}  // namespace hale
