// Oracles on processes: whose they are, that no two generations of one instance meet, that each is taken care of to its
// end, and that none is left. Numbers 1, 2, 4, 5, 6, 7 and 22.
//
// What a killed supervisor leaves behind is nobody's until adoption exists (13): only 1 still looks at it.
#pragma once

#include <memory>

#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

void add_process_oracles(judge& to);
/// The first of them alone, for its canary: whatever breaks 1 has broken 2 a moment before.
std::unique_ptr<oracle> make_one_listener(const judge& of);

}  // namespace hale::sim
