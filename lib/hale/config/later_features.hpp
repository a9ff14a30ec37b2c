// Parts of a cluster file that are checked already, but that this version cannot do yet. Each that is used is noted as
// unsupported, so that `check` accepts the file and `run` refuses it with the place.
#pragma once

#include <string>
#include <vector>

#include "hale/config/table_reader.hpp"
#include "hale/heal/spec.hpp"

namespace hale {

/// canary, progress, remedy, placement, min_instances, listen, reuse_port and rollout of a service.
void read_later_service_features(table_reader& in, const service_spec& service);
/// drain, of a service's stop.
void read_drain(table_reader& stop);
/// on_exit, of the cluster.
void read_on_exit(table_reader& cluster);
/// control: where the control API listens.
void read_control(table_reader& cluster, std::vector<std::string>& control);
/// All [group.NAME]; `services` are those they may have as members.
void read_groups(table_reader groups, const std::vector<service_spec>& services);
/// All [alert.NAME].
void read_alerts(table_reader alerts);

}  // namespace hale
