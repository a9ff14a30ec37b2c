// The place of one supervisor on a simulated machine: everything the seam asks for, on a node of its own that can be
// stopped and killed.
#pragma once

#include <memory>
#include <string>

#include "hale/sim/world/machine.hpp"
#include "hale/sim/world/simulated_host.hpp"
#include "hale/sim/world/simulated_logs.hpp"
#include "hale/world/world.hpp"

namespace hale::sim {

class seat {
 public:
  /// `on` outlives it.
  seat(machine& on, program_loader loader, std::string name = "supervisor")
      : machine_(on), node_(on.time().add_node(std::move(name), &on.clock())), host_(on, node_, std::move(loader)),
        network_(on.net().network_of(on, nullptr, &limits_)),
        world_{node_, on.clock(), host_, *network_, on.time().chance(), logs_} {}
  seat(const seat&) = delete;
  seat& operator=(const seat&) = delete;
  ~seat() { machine_.time().retire(node_); }

  machine& where() noexcept { return machine_; }
  node& runs_on() noexcept { return node_; }
  simulated_host& host() noexcept { return host_; }
  simulated_logs& logs() noexcept { return logs_; }
  network_limits& limits() noexcept { return limits_; }
  /// What a supervisor is given.
  hale::world& world() noexcept { return world_; }

 private:
  machine& machine_;
  node& node_;
  network_limits limits_;
  simulated_host host_;
  simulated_logs logs_;
  std::unique_ptr<hale::network> network_;
  hale::world world_;
};

}  // namespace hale::sim
