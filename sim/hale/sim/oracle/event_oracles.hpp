// Oracles 17 and 26: what the supervisor tells is a legal story, and every part of it has its evidence.
#pragma once

#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

void add_event_oracles(judge& to);

}  // namespace hale::sim
