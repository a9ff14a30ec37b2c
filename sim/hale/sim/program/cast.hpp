// Who plays whom: the programs of a simulated cluster, made from its specification. Each instance has a server that
// answers its health probe the way the specification wants it answered, and a condition that faults can worsen.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "hale/heal/spec.hpp"
#include "hale/sim/program/model_server.hpp"
#include "hale/sim/world/simulated_host.hpp"

namespace hale::sim {

struct role {
  const service_spec* service = nullptr;
  std::uint32_t index = 0;
  server_profile profile;
  server_condition condition;

  const instance_spec& instance() const noexcept { return service->instances[index]; }
};

class cast {
 public:
  /// `cluster` outlives it.
  explicit cast(const cluster_spec& cluster);
  cast(const cast&) = delete;
  cast& operator=(const cast&) = delete;

  /// By instance name.
  std::map<std::string, role, std::less<>>& roles() noexcept { return roles_; }
  role* find(std::string_view instance) noexcept;
  /// For a seat; refers to this.
  program_loader loader();

 private:
  std::map<std::string, role, std::less<>> roles_;
};

}  // namespace hale::sim
