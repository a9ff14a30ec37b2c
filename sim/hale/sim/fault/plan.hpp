// Which faults a run has, and how often: drawn anew for each run, since runs without some faults find what runs with
// all of them hide (swarm testing: Groce et al., ISSTA 2012).
#pragma once

#include <cstdint>
#include <vector>

#include "hale/sim/core/choice.hpp"
#include "hale/sim/fault/catalogue.hpp"

namespace hale::sim {

struct planned_fault {
  fault_kind kind;
  ratio per_minute;
};
using fault_plan = std::vector<planned_fault>;

/// Each of `candidates` is off in half of all runs; the rest come at half to four times their ratio.
fault_plan draw_plan(choices& chance, const std::vector<fault_kind>& candidates);
/// Those that are part of a run by default.
std::vector<fault_kind> default_faults();

}  // namespace hale::sim
