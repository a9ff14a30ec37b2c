// Everything that can go wrong in a simulation, by name, with how often it does. Ratios are per simulated minute, for
// each instance or for the whole machine; they are harsh on purpose.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hale/base/time.hpp"
#include "hale/world/random.hpp"

namespace hale::sim {

enum class fault_kind {
  // To the process of an instance.
  crash,        ///< a deadly signal, or an exit code
  kill,         ///< SIGKILL from somebody else
  exit_clean,   ///< exit 0 nobody asked for
  oom,          ///< it grows until the kernel kills
  hang,         ///< accepts, never answers, beats no more
  grey,         ///< beats, answers the health page, fails every request
  wrong,        ///< answers with errors
  mute,         ///< heartbeats stop
  slow,         ///< answers late
  freeze,       ///< SIGSTOP
  stuck,        ///< in the kernel: not even SIGKILL helps
  // To what an instance does.
  slow_start,   ///< loading takes up to a hundred times as long
  fail_start,   ///< the next starts fail
  ignore_term,  ///< SIGTERM does nothing
  grandchild,   ///< a child keeps the port when it dies
  jitter,       ///< heartbeats come late
  exec_error,   ///< its program cannot be started
  port_thief,   ///< a stranger takes its port
  drop,         ///< connecting to its port is neither accepted nor refused
  // To the machine.
  memory_hog,   ///< a stranger takes memory
  spawn_error,  ///< no process can be started
  late_reap,    ///< zombies stay for a while
  pid_reuse,    ///< the next process gets a pid just given up
  latency,      ///< some packets take long
  partial,      ///< some connections move few bytes at a time
  reset,        ///< some connections are reset
  stall,        ///< some connections fall silent
  wall_step,    ///< the wall clock jumps
  disk_full,    ///< logs cannot be written
  // To the supervisor.
  stop_supervisor,   ///< it does not run for up to ten seconds
  crash_supervisor,  ///< SIGKILL; the next one comes after a while
  descriptors,       ///< it has no descriptors left
  // By people.
  restart_command,
  stop_command,  ///< stop, and start later
};

enum class fault_scope { instance, machine };

struct fault_description {
  fault_kind kind;
  std::string_view name;  ///< as on the command line
  fault_scope scope;
  ratio per_minute;
  duration longest;  ///< of its effect; zero: it is over at once
  std::string_view what;
  bool by_default = true;  ///< part of a run that names no faults
};

/// In the order of fault_kind.
std::span<const fault_description> fault_catalogue() noexcept;
const fault_description& describe(fault_kind kind) noexcept;
std::optional<fault_kind> fault_from_name(std::string_view name) noexcept;

}  // namespace hale::sim
