#include "hale/policy/lifecycle.hpp"

#include <cstdint>

namespace hale {
namespace {

using enum instance_state;

template <typename... State>
constexpr std::uint32_t any_of(State... states) noexcept {
  return ((1U << static_cast<unsigned>(states)) | ...);
}

// Where each state may lead. Everything that is wanted passes through `waiting`, so that no spawn happens without its
// checks; everything that has a process passes through `stopping` or an exit, so that no process is forgotten.
constexpr std::uint32_t successors(instance_state from) noexcept {
  switch (from) {
    case stopped:
      return any_of(waiting);  // start
    case waiting:
      return any_of(starting,  // spawned
                    foreign,   // a stranger serves its port
                    cooling,   // the spawn itself failed too often, or the port stays taken
                    held,      // the program cannot be executed
                    stopped);  // stop: there is no process to wait for
    case starting:
      return any_of(serving,   // ready
                    stopping,  // stop; or stalled, and now being killed
                    waiting,   // exited: again after the backoff
                    cooling, held,
                    finished);  // exited cleanly before it was ever ready
    case serving:
      return any_of(stopping,  // stop; or sick, and now being killed
                    waiting,   // exited: again, at once or after the backoff
                    cooling, held, finished);
    case stopping:
      return any_of(stopped,  // the tree is gone, and it is not wanted any more
                    waiting,  // gone, and wanted: a restart
                    cooling,
                    held);  // or it survives SIGKILL
    case cooling:   // its time comes, or start by hand; stop
    case held:      // reload or start by hand; stop
    case foreign:   // the stranger went away; the service is removed or the supervisor stops
    case finished:  // start; stop
      return any_of(waiting, stopped);
  }
  return 0;
}

}  // namespace

std::string_view to_string(instance_state state) noexcept {
  switch (state) {
    case stopped: return "stopped";
    case waiting: return "waiting";
    case starting: return "starting";
    case serving: return "serving";
    case stopping: return "stopping";
    case cooling: return "cooling";
    case held: return "held";
    case foreign: return "foreign";
    case finished: return "finished";
  }
  return "unknown";
}

std::optional<instance_state> instance_state_from_string(std::string_view text) noexcept {
  for (const instance_state state : {stopped, waiting, starting, serving, stopping, cooling, held, foreign, finished}) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

bool is_legal(instance_state from, instance_state to) noexcept {
  return (successors(from) & any_of(to)) != 0;
}

bool has_process(instance_state state) noexcept {
  return state == starting || state == serving || state == stopping;
}

}  // namespace hale
