// One process of a simulated machine: what the kernel knows of it, and what the program in it may call. The program is
// a coroutine on a node of its own; when the process ends, however it does, that node is killed, and with it everything
// the program held: sockets close, memory is free again.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hale/async/trigger.hpp"
#include "hale/base/exit_status.hpp"
#include "hale/sim/core/scheduler.hpp"
#include "hale/world/clock.hpp"
#include "hale/world/network.hpp"
#include "hale/world/process.hpp"

namespace hale::sim {

class fabric;
class machine;
class simulated_listener;
class simulated_process;

/// What runs in a process; what it returns is the exit code.
using program = std::function<task<int>(simulated_process&)>;

/// All processes that descend from one spawn, as a control group holds them together.
struct process_tree {
  std::uint64_t memory_limit_bytes = 0;  ///< 0: none
  std::uint64_t rss_bytes = 0;
  std::uint64_t oom_kills = 0;
  duration cpu_of_dead{};
  std::vector<simulated_process*> members;  ///< alive, in order of birth
};

class simulated_process {
 public:
  enum class life { running, zombie, reaped };

  simulated_process(machine& on, std::int64_t pid, std::uint64_t serial, process_spec spec);
  simulated_process(const simulated_process&) = delete;
  simulated_process& operator=(const simulated_process&) = delete;
  ~simulated_process();

  // --- What its program calls.
  const process_spec& spec() const noexcept { return spec_; }
  std::string_view variable(std::string_view name) const noexcept;
  machine& where() const noexcept { return machine_; }
  hale::network& network() noexcept { return *network_; }
  /// With `reuse_port`, beside others that listen so, too: SO_REUSEPORT of socket(7).
  result<std::unique_ptr<listener>> listen(endpoint at, bool reuse_port);
  const hale::clock& clock() const noexcept;
  choices& chance() const noexcept;
  /// Takes memory. When the machine or the tree runs out, the kernel kills somebody; who is killed does not return.
  task<void> allocate(std::uint64_t bytes);
  void release(std::uint64_t bytes) noexcept;
  void print(std::string_view text, output_stream to = output_stream::err);
  /// From now on it uses one processor fully, or none. It uses none while it is stopped or stuck.
  void compute(bool busy) noexcept;
  /// Does not return.
  task<void> exit(exit_status how);
  void ignore_term() noexcept { ignores_term_ = true; }
  /// SIGTERM then only fires terminated().
  void catch_term() noexcept { catches_term_ = true; }
  trigger& terminated() noexcept { return terminated_; }
  /// A child in the same tree; `leaves_group` as after setsid(2).
  simulated_process& fork(std::string name, program child, bool leaves_group = false);
  /// A datagram to the socket at `path`, as by sd_notify(3). Lost where nobody listens.
  void notify(std::string_view path, std::string text);

  // --- What the kernel knows.
  std::int64_t pid() const noexcept { return pid_; }
  std::int64_t group() const noexcept { return group_; }
  /// Never used twice, unlike a pid.
  std::uint64_t serial() const noexcept { return serial_; }
  /// The instance it was spawned as; the children of an instance bear its name, strangers none.
  const std::string& instance() const noexcept { return instance_; }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  bool is_leader() const noexcept { return leader_; }
  const std::shared_ptr<process_tree>& tree() const noexcept { return tree_; }
  life state() const noexcept { return state_; }
  bool alive() const noexcept { return state_ == life::running; }
  bool stopped() const noexcept { return stopped_; }
  bool stuck() const noexcept { return stuck_; }
  bool catches_term() const noexcept { return catches_term_; }
  bool ignores_term() const noexcept { return ignores_term_; }
  std::uint64_t rss_bytes() const noexcept { return rss_bytes_; }
  duration cpu_time() const noexcept;
  instant born() const noexcept { return born_; }
  instant died() const noexcept { return died_; }
  /// REQUIRES: !alive()
  const exit_status& status() const noexcept { return status_; }
  bool killed_by_oom() const noexcept { return killed_by_oom_; }
  /// Fired when it has been waited for.
  trigger& reaped() noexcept { return reaped_; }
  /// Fired when its end is seen, which is never later.
  trigger& ended() noexcept { return ended_; }
  /// Where it listens.
  const std::multiset<std::uint16_t>& ports() const noexcept { return ports_; }

 private:
  friend class machine;
  friend class fabric;
  friend class simulated_listener;
  void account() noexcept;

  machine& machine_;
  std::int64_t pid_;
  std::int64_t group_;
  std::uint64_t serial_;
  process_spec spec_;
  std::string instance_;
  std::uint64_t incarnation_ = 0;
  bool leader_ = false;
  std::shared_ptr<process_tree> tree_;
  std::shared_ptr<output_observer> output_;
  std::unique_ptr<hale::network> network_;
  node* runs_on_ = nullptr;
  life state_ = life::running;
  bool stopped_ = false;
  bool stuck_ = false;  ///< in the kernel, uninterruptibly: no signal reaches it
  bool ignores_term_ = false;
  bool catches_term_ = false;
  bool killed_by_oom_ = false;
  std::vector<int> pending_;
  trigger terminated_;
  std::uint64_t rss_bytes_ = 0;
  duration cpu_used_{};
  bool busy_ = false;
  std::optional<instant> busy_since_;  ///< unless it is stopped or stuck
  instant born_{};
  instant died_{};
  exit_status status_;
  trigger ended_;
  trigger reaped_;
  std::multiset<std::uint16_t> ports_;
};

}  // namespace hale::sim
