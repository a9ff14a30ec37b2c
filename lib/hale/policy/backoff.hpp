// How long to wait before restart attempt n: min(base * 2^(n-1), cap), spread by the jitter.
#pragma once

#include <cstdint>

#include "hale/base/time.hpp"

namespace hale {

struct backoff_policy {
  duration base = std::chrono::milliseconds(500);
  duration cap = std::chrono::seconds(30);
  std::uint32_t jitter_permille = 250;  ///< the delay lies within ± this share of itself
  friend bool operator==(const backoff_policy&, const backoff_policy&) = default;
};

/// The delay before attempt `attempt` (from 1), without jitter. REQUIRES: attempt >= 1
duration backoff_delay(const backoff_policy& policy, std::uint32_t attempt) noexcept;
/// How many different delays the jitter allows, for one bounded draw; at least 1. In steps of a microsecond.
std::uint64_t jitter_choices(const backoff_policy& policy, std::uint32_t attempt) noexcept;
/// The delay for one draw in [0, jitter_choices()); draw 0 is the delay without jitter.
duration jittered_delay(const backoff_policy& policy, std::uint32_t attempt, std::uint64_t draw) noexcept;

}  // namespace hale
