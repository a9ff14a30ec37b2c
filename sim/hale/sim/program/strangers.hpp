// Programs that are none of the cluster's: what else runs on the machine and gets in its way.
#pragma once

#include <cstdint>

#include "hale/sim/program/condition.hpp"
#include "hale/sim/world/machine.hpp"

namespace hale::sim {

/// Takes the port as soon as it is free and keeps it for `stays`; answers health probes with 200, or nobody.
program port_thief(std::uint16_t port, bool answers, duration stays);

/// Takes memory in steps until it has `bytes`, and keeps it for `stays`.
program memory_hog(std::uint64_t bytes, duration stays);

/// A probe command: exit 0 when something accepts connections on the port, 1 otherwise.
program connect_probe(std::uint16_t port);

/// The same for a worker without a port: exit 0 when it does what it should. `of` outlives the process.
program worker_probe(const server_condition& of);

}  // namespace hale::sim
