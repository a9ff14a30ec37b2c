// Why something is wrong: the vocabulary that every diagnosis, event, alert and remedy shares.
#pragma once

#include <optional>
#include <string_view>

namespace hale {

enum class cause {
  exec_failed,         ///< the program could not be started at all
  config_error,        ///< it refused its configuration: the same would happen again
  port_taken,          ///< a stranger holds its port
  exit_clean,          ///< exit 0 that nobody asked for
  exit_error,          ///< a non-zero exit code
  killed_by_signal,    ///< by a signal that is no crash and was not ours
  oom_killed,          ///< by the kernel, with evidence
  gpu_oom,             ///< out of memory on the accelerator, or in the runtime's own allocator
  memory_limit,        ///< over the configured hard limit
  crash,               ///< SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL
  hung,                ///< accepts, but does not answer or progress
  no_heartbeat,        ///< heartbeats stopped
  probe_failed,        ///< refused, or a wrong answer to the health probe
  wrong_answer,        ///< the canary's text is wrong
  high_error_rate,     ///< too many of the reported requests fail
  start_stalled,       ///< no sign of progress while starting
  start_timeout,       ///< not ready within the absolute cap
  dependency_lost,     ///< something it needs stopped serving
  stuck_in_kernel,     ///< survives SIGKILL
  resource_exhausted,  ///< disk or descriptors used up
  operator_request,    ///< a person asked; spelled "operator"
  rollout,             ///< a rolling restart
  unknown,
};

/// The stable spelling used in files, events and on the command line.
std::string_view to_string(cause value) noexcept;
std::optional<cause> cause_from_string(std::string_view text) noexcept;

}  // namespace hale
