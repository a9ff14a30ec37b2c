// How a supervisor on a simulated machine starts processes and steers them: the seam's process_host. It does what the
// kernel lets it do, and what stands in its way is told to it by faults.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "hale/sim/world/machine.hpp"
#include "hale/world/process.hpp"

namespace hale::sim {

/// Which program a command starts, or why there is none.
using program_loader = std::function<result<program, spawn_error>(const process_spec&)>;

struct host_troubles {
  std::optional<spawn_error> every_spawn;  ///< fails so: EAGAIN, ENOMEM, EMFILE
  std::map<std::string, spawn_error, std::less<>> spawn_of;  ///< by instance
  duration spawn_takes = std::chrono::microseconds(200);
};

class simulated_host final : public process_host {
 public:
  /// All outlive it. `supervisor` is the node output is delivered on.
  simulated_host(machine& on, node& supervisor, program_loader loader)
      : machine_(on), supervisor_(supervisor), loader_(std::move(loader)) {}

  task<result<std::unique_ptr<process>, spawn_error>> spawn(process_spec spec) override;
  port_holder find_listener(std::uint16_t port) noexcept override;
  std::int64_t own_pid() const noexcept override { return 1; }

  host_troubles& troubles() noexcept { return troubles_; }

 private:
  std::optional<spawn_error> trouble_with(const process_spec& spec) const;

  machine& machine_;
  node& supervisor_;
  program_loader loader_;
  host_troubles troubles_;
};

}  // namespace hale::sim
