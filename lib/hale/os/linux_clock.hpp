// CLOCK_MONOTONIC decides, CLOCK_REALTIME is written down.
#pragma once

#include <time.h>

#include "hale/os/event_loop.hpp"
#include "hale/world/clock.hpp"

namespace hale::os {

class linux_clock final : public clock {
 public:
  instant now() const noexcept override { return monotonic_now(); }
  wall_time wall() const noexcept override {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return wall_time(std::chrono::seconds(now.tv_sec) + duration(now.tv_nsec));
  }
};

}  // namespace hale::os
