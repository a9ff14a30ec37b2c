// Oracles 16, 25 and 28 to 30: the supervisor does no harm, misjudges nobody, and costs little.
#pragma once

#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

void add_sanity_oracles(judge& to);

}  // namespace hale::sim
