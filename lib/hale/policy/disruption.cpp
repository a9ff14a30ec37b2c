#include "hale/policy/disruption.hpp"

#include <algorithm>

namespace hale {

std::uint32_t disruption_limit(std::uint32_t configured, std::uint32_t instances) noexcept {
  return configured != 0 ? configured : std::max<std::uint32_t>(1, instances / 4);
}

bool may_disrupt(std::uint32_t unavailable_by_verdict, std::uint32_t limit) noexcept {
  return unavailable_by_verdict < limit;
}

bool correlated(std::uint32_t total, std::uint32_t failing_within_interval) noexcept {
  return total >= 3 && failing_within_interval >= total;
}

}  // namespace hale
