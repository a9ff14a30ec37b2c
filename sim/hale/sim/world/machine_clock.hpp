// The clocks of one simulated machine. Its monotonic clock runs a little fast or slow against the simulation's time;
// its wall clock, besides, is put forward and back.
#pragma once

#include "hale/sim/core/node.hpp"
#include "hale/sim/core/scheduler.hpp"
#include "hale/world/clock.hpp"

namespace hale::sim {

struct clock_options {
  std::int64_t drift_ppm = 0;  ///< parts in a million by which it is fast; above -1,000,000
  duration booted_before = std::chrono::hours(1);  ///< what the monotonic clock shows when the simulation begins
  wall_time begins_at{std::chrono::seconds(1'750'000'000)};
};

class machine_clock final : public hale::clock, public time_base {
 public:
  /// `time` outlives it.
  explicit machine_clock(const scheduler& time, clock_options options = {}) : time_(time), options_(options) {}

  instant now() const noexcept override { return local(time_.now()); }
  wall_time wall() const noexcept override {
    return options_.begins_at + (now().time_since_epoch() - options_.booted_before) + stepped_by_;
  }
  /// Puts the wall clock forward, or back.
  void step_wall(duration by) noexcept { stepped_by_ += by; }

  instant local(instant simulated) const noexcept override;
  instant simulated(instant at) const noexcept override;

 private:
  const scheduler& time_;
  clock_options options_;
  duration stepped_by_{};
};

}  // namespace hale::sim
