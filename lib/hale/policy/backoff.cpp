#include "hale/policy/backoff.hpp"

#include <algorithm>
#include <cassert>

namespace hale {
namespace {

constexpr duration jitter_step = std::chrono::microseconds(1);

/// How many steps the delay may move to either side.
std::uint64_t steps_aside(const backoff_policy& policy, std::uint32_t attempt) noexcept {
  const std::int64_t delay = backoff_delay(policy, attempt).count();
  const std::int64_t permille = std::min<std::uint32_t>(policy.jitter_permille, 1000);
  // Split so that the product of a long delay cannot overflow.
  const std::int64_t aside = delay / 1000 * permille + delay % 1000 * permille / 1000;
  return static_cast<std::uint64_t>(aside / jitter_step.count());
}

}  // namespace

duration backoff_delay(const backoff_policy& policy, std::uint32_t attempt) noexcept {
  assert(attempt >= 1);
  const duration cap = std::max(policy.cap, duration::zero());
  duration delay = std::clamp(policy.base, duration::zero(), cap);
  if (delay == duration::zero()) return delay;
  for (std::uint32_t i = 1; i < attempt; ++i) {
    if (delay > cap / 2) return cap;
    delay *= 2;
  }
  return delay;
}

std::uint64_t jitter_choices(const backoff_policy& policy, std::uint32_t attempt) noexcept {
  return 2 * steps_aside(policy, attempt) + 1;
}

duration jittered_delay(const backoff_policy& policy, std::uint32_t attempt, std::uint64_t draw) noexcept {
  assert(draw < jitter_choices(policy, attempt));
  const duration delay = backoff_delay(policy, attempt);
  // 1, 2, 3, 4 … stand for one step up, one down, two up, two down …
  const duration aside = jitter_step * static_cast<std::int64_t>(draw / 2 + draw % 2);
  if (draw % 2 == 0) return delay - aside;
  return saturating_add(instant(delay), aside).time_since_epoch();
}

}  // namespace hale
