// What is the matter with the server of one instance. Faults turn these knobs; the programs obey them. Some stay with
// the instance, whatever process runs for it; the rest is over when the process is.
#pragma once

#include <cstdint>

#include "hale/async/pulse.hpp"
#include "hale/base/time.hpp"

namespace hale::sim {

struct server_condition {
  // Of every incarnation, until changed.
  std::uint32_t failing_starts = 0;  ///< so many starts end with an error
  std::uint32_t load_factor = 1;     ///< loading takes so many times as long
  bool ignores_term = false;
  bool leaves_grandchild = false;    ///< a child that takes over the port when its parent dies
  duration heartbeat_jitter{};       ///< how late a heartbeat may be

  // Of the present incarnation.
  bool hung = false;     ///< connections are accepted and never answered, heartbeats stop
  bool grey = false;     ///< heartbeats and the health page are fine, real requests fail
  bool wrong = false;    ///< every answer is an error
  bool mute = false;     ///< heartbeats stop, all else is fine
  duration slow_by{};    ///< added to every answer
  std::uint64_t leak_bytes_per_second = 0;

  /// Wakes programs that wait for a change.
  pulse changed;

  void begin_incarnation() noexcept {
    hung = grey = wrong = mute = false;
    slow_by = duration::zero();
    leak_bytes_per_second = 0;
  }
  /// Whether those who use it get their answers, be it late.
  bool usable() const noexcept { return !hung && !grey && !wrong; }
};

}  // namespace hale::sim
