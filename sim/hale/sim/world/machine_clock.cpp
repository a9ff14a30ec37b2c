#include "hale/sim/world/machine_clock.hpp"

#include <algorithm>

namespace hale::sim {
namespace {

__extension__ using wide = __int128;
constexpr std::int64_t million = 1'000'000;

std::int64_t clamped(wide value) noexcept {
  constexpr wide most = INT64_MAX;
  return static_cast<std::int64_t>(std::clamp<wide>(value, 0, most));
}

}  // namespace

instant machine_clock::local(instant simulated) const noexcept {
  const wide elapsed = simulated.time_since_epoch().count();
  const duration run_for(clamped(elapsed * (million + options_.drift_ppm) / million));
  return saturating_add(instant(options_.booted_before), run_for);
}

instant machine_clock::simulated(instant at) const noexcept {
  const wide shown = static_cast<wide>(at.time_since_epoch().count()) - options_.booted_before.count();
  const wide rate = million + options_.drift_ppm;
  return instant(duration(clamped((shown * million + rate - 1) / rate)));
}

}  // namespace hale::sim
