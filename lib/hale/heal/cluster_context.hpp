// What all parts of one supervised cluster share: the world, the way events go out, the start slots, and the few things
// that concern everybody at once (no more patience; the supervisor itself was asleep).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hale/async/pulse.hpp"
#include "hale/async/semaphore.hpp"
#include "hale/heal/event.hpp"
#include "hale/heal/spec.hpp"
#include "hale/policy/time_guard.hpp"
#include "hale/world/world.hpp"

namespace hale {

class cluster_context {
 public:
  cluster_context(hale::world& in, const cluster_spec& cluster)
      : world(in), spec(cluster), start_slots(cluster.start_concurrency) {}

  hale::world& world;
  const cluster_spec& spec;
  std::string notify_path;

  /// One is held by every instance that is starting.
  semaphore start_slots;
  /// Cancelled when what is left shall be killed at once.
  cancel_source patience;
  /// Some instance has changed its state: whoever depends on others looks again.
  pulse changed;
  /// Told how late a timer was when the supervisor itself was stopped or starved.
  std::function<void(duration late)> on_stall;

  void subscribe(event_sink& sink) { sinks_.push_back(&sink); }
  void unsubscribe(event_sink& sink) noexcept { std::erase(sinks_, &sink); }
  void emit(event what) noexcept {
    what.sequence = ++last_sequence_;
    what.at = world.clock.wall();
    for (event_sink* sink : sinks_) sink->on_event(what);
  }

  /// Whether a wait that was due at `due` ended so late that what it waited for proves nothing.
  bool overslept(instant due) {
    const instant now = world.clock.now();
    if (!stalled(due, now)) return false;
    // Everybody who waited finds out; the first to do so tells all.
    const bool told = stall_told_ && !stalled(*stall_told_, now);
    if (!told && on_stall) on_stall(now - due);
    if (!told) stall_told_ = now;
    return true;
  }

 private:
  std::vector<event_sink*> sinks_;
  std::uint64_t last_sequence_ = 0;
  std::optional<instant> stall_told_;
};

}  // namespace hale
