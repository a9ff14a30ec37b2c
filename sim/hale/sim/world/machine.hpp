// A simulated machine: memory that runs out, a kernel that kills when it does, processes in trees, signals with their
// real semantics, pids that come round again, clocks of its own.
//
// Sources of the rules: signal(7) (a stopped process keeps signals pending, SIGKILL and SIGCONT excepted; none counts
// twice), proc(5) and mm/oom_kill.c (the victim is the process with the largest share of memory; of equals the
// youngest), cgroups(7), pid_max in proc(5), fork(2) (no pid that still names a group).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hale/sim/core/scheduler.hpp"
#include "hale/sim/world/fabric.hpp"
#include "hale/sim/world/machine_clock.hpp"
#include "hale/sim/world/simulated_process.hpp"
#include "hale/sim/world/truth.hpp"

namespace hale::sim {

struct machine_options {
  machine_options() = default;
  std::string name = "localhost";
  std::uint64_t memory_bytes = std::uint64_t{64} << 30;
  std::uint64_t kernel_bytes = std::uint64_t{1} << 30;  ///< of which so much is never for processes
  std::int64_t first_pid = 1000;
  std::int64_t last_pid = 32767;
  clock_options clock;
};

class machine {
 public:
  /// All outlive it.
  machine(scheduler& time, fabric& net, truth& record, machine_options options = {});
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;
  ~machine();

  const std::string& name() const noexcept { return options_.name; }
  machine_clock& clock() noexcept { return clock_; }
  const machine_clock& clock() const noexcept { return clock_; }
  scheduler& time() const noexcept { return time_; }
  fabric& net() const noexcept { return fabric_; }
  truth& record() const noexcept { return truth_; }
  /// For what happens by itself: the kernel's own doing.
  node& kernel() noexcept { return kernel_; }

  /// The leader of a new tree, running `body`; what it prints goes to `output` (may be null).
  std::shared_ptr<simulated_process> spawn(process_spec spec, program body,
                                           std::shared_ptr<output_observer> output = nullptr);
  /// A child of `parent`, in its tree.
  std::shared_ptr<simulated_process> fork(simulated_process& parent, std::string name, program body, bool leaves_group);

  /// As kill(2) does.
  void deliver(simulated_process& to, int signal, signal_sender from = signal_sender::supervisor);
  /// Ends it now, as if by itself.
  void end(simulated_process& which, exit_status how);
  /// Puts it into, or takes it out of, an uninterruptible wait in the kernel.
  void set_stuck(simulated_process& which, bool stuck);
  void charge(simulated_process& whom, std::uint64_t bytes);
  void discharge(simulated_process& whom, std::uint64_t bytes) noexcept;

  std::uint64_t memory_used() const noexcept { return used_bytes_; }
  std::uint64_t memory_for_processes() const noexcept { return options_.memory_bytes - options_.kernel_bytes; }

  /// The living and the zombies.
  const std::map<std::int64_t, std::shared_ptr<simulated_process>>& processes() const noexcept { return processes_; }
  /// The newest living leader that was spawned under this name; null if there is none.
  simulated_process* find_leader(std::string_view instance) const noexcept;

  /// The pid given up last is the next to be given out.
  void reuse_next_pid() noexcept { reuse_pid_ = true; }
  /// How long a zombie waits to be reaped.
  void set_reaping_delay(duration delay) noexcept { reaping_delay_ = delay; }

 private:
  std::int64_t next_pid() noexcept;
  bool in_use(std::int64_t pid) const noexcept;
  std::shared_ptr<simulated_process> create(process_spec spec, std::shared_ptr<process_tree> tree);
  void run(simulated_process& which, program body);
  task<void> run_program(simulated_process& which, program body);
  task<void> reap(std::shared_ptr<simulated_process> which);
  void take_effect(simulated_process& on, int signal, signal_sender from);
  void kill_for_memory(simulated_process& victim);
  simulated_process* pick_victim(const process_tree* within) const noexcept;

  scheduler& time_;
  fabric& fabric_;
  truth& truth_;
  machine_options options_;
  machine_clock clock_;
  node& kernel_;
  std::map<std::int64_t, std::shared_ptr<simulated_process>> processes_;
  std::map<std::string, std::vector<simulated_process*>, std::less<>> leaders_;  ///< alive
  std::uint64_t used_bytes_ = 0;
  std::uint64_t next_serial_ = 0;
  std::int64_t last_given_pid_;
  std::int64_t freed_pid_ = 0;
  bool reuse_pid_ = false;
  duration reaping_delay_{};
};

}  // namespace hale::sim
