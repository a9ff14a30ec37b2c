// Why a process ended, or could not be started: the verdict over all evidence, in the order of what can be trusted
// (behaviour, section 5): what we did ourselves, a specific log line, the kernel's OOM counter, a vague or generic log
// line, the signal, the exit code. A SIGKILL alone is not out of memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/exit_status.hpp"
#include "hale/policy/cause.hpp"
#include "hale/policy/signatures.hpp"

namespace hale {

struct exit_evidence {
  exit_status status;
  std::optional<cause> own_action;           ///< we signalled it, for this reason
  std::optional<signature_match> signature;  ///< signature_scanner::best()
  std::uint64_t oom_kills = 0;               ///< of its tree, since spawn
  bool was_starting = false;                 ///< it had not become ready
};

struct exit_verdict {
  hale::cause cause = hale::cause::unknown;
  std::string reason;                               ///< one line for people
  restart_class restart = restart_class::restart;   ///< restart, once or hold
};

exit_verdict classify_exit(const exit_evidence& evidence);

/// What the log says about restarting an instance that is ended because it is sick: restart, once or hold. Only
/// specific lines count; hold is for what never became ready, and for a full disk: what has served was not
/// misconfigured, and is tried once more.
restart_class restart_of_sick(const std::optional<signature_match>& signature, bool was_starting) noexcept;

/// `error` is the errno of `step` ("exec", "chdir", "fork" …), which worked on `path` (may be empty).
exit_verdict classify_spawn_error(int error, std::string_view step, std::string_view path);

/// "SIGTERM"; "signal 42" for one without a name of its own.
std::string signal_name(int number);

}  // namespace hale
