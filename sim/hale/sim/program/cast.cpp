#include "hale/sim/program/cast.hpp"

#include <algorithm>
#include <cerrno>

#include "hale/base/error.hpp"
#include "hale/heal/launch.hpp"
#include "hale/sim/program/strangers.hpp"

namespace hale::sim {
namespace {

constexpr std::string_view probe_suffix = "/probe";

void add_port(std::vector<std::uint16_t>& ports, std::uint16_t port) {
  if (port != 0 && std::find(ports.begin(), ports.end(), port) == ports.end()) ports.push_back(port);
}

/// What a healthy server of this instance must be like for its probe to succeed.
server_profile profile_of(const cluster_spec& cluster, const service_spec& service, std::uint32_t index) {
  server_profile profile;
  add_port(profile.ports, service.instances[index].port);
  const launch_identity who{cluster.name, service, index, incarnation_number(1), ""};
  for (const auto* probe : {&service.health, &service.start_probe}) {
    if (!probe->has_value() || (*probe)->type == probe_spec::kind::exec) continue;
    const auto resolved = resolve_probe(**probe, who);
    if (!resolved) continue;
    add_port(profile.ports, resolved->target.port);
    if ((*probe)->type != probe_spec::kind::http) continue;
    if (probe == &service.health) profile.health_path = resolved->path;
    if (!(*probe)->status.empty()) profile.ok_status = (*probe)->status.front();
    if (profile.ok_body.find((*probe)->body_contains) == std::string::npos) profile.ok_body += (*probe)->body_contains;
  }
  // A limit the model does not fit into would be a cluster file that cannot work at all.
  const memory_spec& memory = service.memory;
  for (const auto& limit : {memory.soft_bytes, memory.hard_bytes, memory.limit_bytes}) {
    if (limit) profile.model_bytes = std::min(profile.model_bytes, *limit / 4);
  }
  return profile;
}

}  // namespace

cast::cast(const cluster_spec& cluster) {
  for (const service_spec& service : cluster.services) {
    for (std::uint32_t index = 0; index < service.instances.size(); ++index) {
      role& made = roles_[service.instances[index].name];
      made.service = &service;
      made.index = index;
      made.profile = profile_of(cluster, service, index);
    }
  }
}

role* cast::find(std::string_view instance) noexcept {
  const auto found = roles_.find(instance);
  return found == roles_.end() ? nullptr : &found->second;
}

program_loader cast::loader() {
  return [this](const process_spec& spec) -> result<program, spawn_error> {
    std::string_view name = spec.name;
    const bool is_probe = name.ends_with(probe_suffix);
    if (is_probe) name.remove_suffix(probe_suffix.size());
    role* const played = find(name);
    if (played == nullptr) return spawn_error{system_error(ENOENT), "exec", spec.argv.empty() ? "" : spec.argv.front()};
    if (!is_probe) return model_server(played->profile, played->condition);
    const auto& ports = played->profile.ports;
    return ports.empty() ? worker_probe(played->condition) : connect_probe(ports.front());
  };
}

}  // namespace hale::sim
