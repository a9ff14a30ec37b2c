// Tells when hale itself did not run (it was stopped, or the machine slept): verdicts formed over such a gap are void,
// and every deadline is given a fresh interval.
#pragma once

#include "hale/base/time.hpp"

namespace hale {

inline constexpr duration longest_lateness = std::chrono::seconds(2);

/// A timer due at `due` was served at `woke`.
constexpr bool stalled(instant due, instant woke) noexcept { return woke > saturating_add(due, longest_lateness); }

}  // namespace hale
