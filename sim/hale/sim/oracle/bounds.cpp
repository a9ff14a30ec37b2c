#include "hale/sim/oracle/bounds.hpp"

#include <algorithm>

namespace hale::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr duration slack = seconds(5);
constexpr duration kill_patience = seconds(30);
// The slowest of the simulated servers loads for 200 s, see fault slow-start.
constexpr duration longest_load = minutes(4);

std::int64_t instances_of(const cluster_spec& cluster) {
  std::int64_t count = 0;
  for (const service_spec& service : cluster.services) count += static_cast<std::int64_t>(service.instances.size());
  return count;
}

duration stop_bound(const service_spec& service) {
  return service.stop.timeout + kill_patience + seconds(service.stop.diagnostic_signal != 0 ? 2 : 0) + slack;
}

}  // namespace

duration detection_bound(const service_spec& service) {
  duration bound = slack;
  if (service.health) bound += (service.health->failures + 1) * (service.health->interval + service.health->timeout);
  if (service.heartbeat) bound += 3 * service.heartbeat->expected;
  return bound;
}

duration recovery_bound(const cluster_spec& cluster, const service_spec& service) {
  const auto siblings = static_cast<std::int64_t>(service.instances.size());
  const duration backoff = service.restart.backoff.cap + service.restart.backoff.cap / 2;
  // Verdicts take down one at a time, and everybody queues for a start slot behind everybody else.
  const duration one_by_one = siblings * (detection_bound(service) + stop_bound(service));
  const duration queue = instances_of(cluster) * (seconds(5) + service.stagger) + longest_load;
  return one_by_one + queue + 2 * backoff + stop_bound(service);
}

duration convergence_bound(const cluster_spec& cluster) {
  duration longest{};
  for (const service_spec& service : cluster.services) {
    const duration cool = service.restart.cool + service.restart.cool / 4;
    longest = std::max(longest, 2 * recovery_bound(cluster, service) + cool);
  }
  // What depends on others begins when they are done.
  const auto depth = static_cast<std::int64_t>(std::max<std::size_t>(cluster.services.size(), 1));
  return longest + (depth - 1) * (longest_load + slack);
}

duration quiet_time(const cluster_spec& cluster) {
  duration longest = minutes(1);
  for (const service_spec& service : cluster.services) longest = std::max(longest, 2 * detection_bound(service));
  return longest;
}

duration shutdown_bound(const cluster_spec& cluster) {
  duration sum = slack;
  for (const service_spec& service : cluster.services) sum += stop_bound(service);
  return sum;
}

}  // namespace hale::sim
