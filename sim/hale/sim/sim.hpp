// Everything needed to run programs and clusters in the simulator: `#include <hale/sim/sim.hpp>`, link hale::sim.
#pragma once

#include "hale/hale.hpp"
#include "hale/sim/core/choice.hpp"
#include "hale/sim/fault/catalogue.hpp"
#include "hale/sim/oracle/oracle.hpp"
#include "hale/sim/run/cluster_run.hpp"
#include "hale/sim/run/program_run.hpp"
#include "hale/sim/run/shrink.hpp"
#include "hale/sim/run/timeline.hpp"
