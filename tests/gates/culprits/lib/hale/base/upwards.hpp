// Read by the gate on includes, never compiled: nothing in lib may know of the simulator.
#include "hale/sim/core/choice.hpp"
