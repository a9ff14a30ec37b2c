// How long things may take at most, computed from a specification: what the liveness oracles and the phases of a run
// allow. Generous by design, and never for ever.
#pragma once

#include "hale/base/time.hpp"
#include "hale/heal/spec.hpp"

namespace hale::sim {

/// From the beginning of an illness that probes can see until the verdict, nothing else being wrong.
duration detection_bound(const service_spec& service);
/// From the end of all troubles until an instance serves or has been given up with an alert.
duration recovery_bound(const cluster_spec& cluster, const service_spec& service);
/// The same for a whole cluster, whatever its past.
duration convergence_bound(const cluster_spec& cluster);
/// How long nothing may happen after that.
duration quiet_time(const cluster_spec& cluster);
/// From the request to stop until nothing lives.
duration shutdown_bound(const cluster_spec& cluster);

}  // namespace hale::sim
