// Oracles 18 to 21, 23, 24 and 27: what must come about does, in time, and then there is peace.
#pragma once

#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

void add_liveness_oracles(judge& to);

}  // namespace hale::sim
