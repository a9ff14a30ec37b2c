// The time of a manual_executor, as code under test asks for it.
#pragma once

#include "hale/world/clock.hpp"
#include "support/manual_executor.hpp"

namespace hale::test {

class manual_clock final : public clock {
 public:
  explicit manual_clock(const manual_executor& executor) : executor_(executor) {}
  instant now() const noexcept override { return executor_.now(); }
  wall_time wall() const noexcept override { return wall_time(executor_.now().time_since_epoch()); }

 private:
  const manual_executor& executor_;
};

}  // namespace hale::test
