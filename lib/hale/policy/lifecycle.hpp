// The life of an instance as a table: its states and the transitions that are legal (behaviour, section 2).
#pragma once

#include <optional>
#include <string_view>

namespace hale {

enum class instance_state {
  stopped,   ///< not wanted now
  waiting,   ///< wanted; waits for a dependency, a start slot, a clean slate or a backoff
  starting,  ///< spawned, not ready yet
  serving,   ///< ready
  stopping,  ///< told to stop, not gone yet
  cooling,   ///< attempts exhausted; retried at the slow interval
  held,      ///< the same would happen again: no retry until a person acts
  foreign,   ///< its port is served by a process that is not ours
  finished,  ///< exited cleanly and the policy says leave it
};

std::string_view to_string(instance_state state) noexcept;
std::optional<instance_state> instance_state_from_string(std::string_view text) noexcept;
/// Whether an instance may go from one state to another, different one. lifecycle.cpp says why for each.
bool is_legal(instance_state from, instance_state to) noexcept;
/// Whether a process of ours lives in this state.
bool has_process(instance_state state) noexcept;

}  // namespace hale
