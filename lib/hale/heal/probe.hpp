// One question to a server: is it well? Each probe has a connection (or a process) of its own and a deadline; what
// comes back is an answer, a failure with its cause, or the admission that the question could not be put.
#pragma once

#include <string>

#include "hale/async/task.hpp"
#include "hale/heal/launch.hpp"
#include "hale/policy/cause.hpp"
#include "hale/world/world.hpp"

namespace hale {

struct probe_result {
  enum class outcome {
    success,
    failure,
    not_run,  ///< no descriptor, exec missing …: says nothing about the server
  };
  outcome what = outcome::success;
  hale::cause cause = hale::cause::unknown;  ///< of a failure: hung (connected, no answer) or probe_failed
  std::string detail;                        ///< of a failure or not_run: one line
  int http_status = 0;                       ///< where one came
  bool listening = false;                    ///< something accepted the connection
};

/// Never takes longer than the probe's timeout, plus for exec the time to kill what it started. `probe` outlives the call.
task<probe_result> run_probe(world& in, const resolved_probe& probe);

}  // namespace hale
