// What a simulation found, for people: numbers, which promises were watched and which were broken, and how to see it
// again. The last line about a single run is its trace.
#pragma once

#include <string>

#include "hale/sim/run/summary.hpp"

namespace hale::sim {

/// Lines of at most 100 columns, paths, commands and what oracles said aside.
std::string report_text(const run_summary& of);

}  // namespace hale::sim
