// A supervisor with all it has around it in the real world: the sockets it is reached by, the history of what happened,
// the signals it obeys. `hale run` and `hale demo` host one.
//
//     cluster_host host(spec, *state);
//     if (auto failed = host.open()) return complain(failed->exit_code, failed->line);
//     host.run_to_end();
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "hale/control/control_server.hpp"
#include "hale/control/notify_server.hpp"
#include "hale/control/supervisor_target.hpp"
#include "hale/heal/supervisor.hpp"
#include "hale/os/linux_world.hpp"
#include "hale/record/followed_log_store.hpp"
#include "hale/record/history.hpp"
#include "state_directory.hpp"

namespace hale::cli {

class cluster_host {
 public:
  /// `state` outlives it.
  cluster_host(cluster_spec spec, const state_directory& state);

  hale::supervisor& supervisor() noexcept { return supervisor_; }
  hale::history& events() noexcept { return events_; }
  os::linux_world& here() noexcept { return here_; }

  /// Opens the sockets: the last thing that can fail.
  std::optional<failure> open();
  /// Supervises until told to stop: by a signal, by POST /v1/stop, or through supervisor().
  void run_to_end() { here_.run(run()); }
  /// The same with `beside` running along; it is cancelled when the cluster has stopped.
  void run_to_end(task<void> beside) { here_.run(run(std::move(beside))); }

 private:
  static os::linux_world_options options_for(const state_directory& state);
  static task<void> nothing() { co_return; }
  std::optional<failure> listen_at(endpoint where, control_access access);
  std::optional<failure> listen_at_address(const std::string& address);
  task<void> run(task<void> beside = nothing());
  task<void> obey_signals();
  task<void> give_back_memory();

  const state_directory& state_;
  os::linux_world here_;
  followed_log_store logs_;
  world view_;
  hale::history events_;
  hale::supervisor supervisor_;
  supervisor_target target_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::vector<std::unique_ptr<control_api>> apis_;  ///< one for each listener
  std::unique_ptr<datagram_socket> notify_;
  notify_counters notify_counters_;
};

}  // namespace hale::cli
