// Oracles on starts and stops: when they may come, how often, and in which order. Numbers 3, 8, 12 and 15.
#pragma once

#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

void add_restart_oracles(judge& to);

}  // namespace hale::sim
