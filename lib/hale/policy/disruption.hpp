// How many instances of a service the verdicts of probes may take down at once (behaviour, section 6). Exits are
// exempt: what is dead is restarted.
#pragma once

#include <cstdint>

namespace hale {

/// `configured`, or when that is 0: one, or a quarter of the instances, whichever is more.
std::uint32_t disruption_limit(std::uint32_t configured, std::uint32_t instances) noexcept;

/// Whether one more may be taken down, when so many are down by such a verdict now.
bool may_disrupt(std::uint32_t unavailable_by_verdict, std::uint32_t limit) noexcept;

/// All of three or more failed within one interval: suspect the probe or something they share, not each of them.
bool correlated(std::uint32_t total, std::uint32_t failing_within_interval) noexcept;

}  // namespace hale
