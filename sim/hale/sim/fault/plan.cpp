#include "hale/sim/fault/plan.hpp"

#include <fmt/format.h>

namespace hale::sim {

fault_plan draw_plan(choices& chance, const std::vector<fault_kind>& candidates) {
  fault_plan plan;
  for (const fault_kind kind : candidates) {
    const fault_description& known = describe(kind);
    const std::uint64_t drawn = chance.below(8, fmt::format("swarm.{}", known.name));
    if (drawn < 4) continue;
    ratio often = known.per_minute;
    often.denominator *= 2;
    often.numerator <<= drawn - 4;
    plan.push_back(planned_fault{kind, often});
  }
  return plan;
}

std::vector<fault_kind> default_faults() {
  std::vector<fault_kind> kinds;
  for (const fault_description& one : fault_catalogue()) {
    if (one.by_default) kinds.push_back(one.kind);
  }
  return kinds;
}

}  // namespace hale::sim
