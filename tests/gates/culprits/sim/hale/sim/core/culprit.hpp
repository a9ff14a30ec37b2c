// Read by the gates on includes and bans, never compiled.
#include <random>

#include "hale/os/os.hpp"
#include "hale/sim/run/cluster_run.hpp"
