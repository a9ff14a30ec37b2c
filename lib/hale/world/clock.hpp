// Time as a machine tells it. The monotonic clock decides; the wall clock may jump and is only written down.
#pragma once

#include "hale/async/suspension.hpp"
#include "hale/base/time.hpp"

namespace hale {

class clock {
 public:
  virtual ~clock() = default;
  /// Nanoseconds on this machine's monotonic clock; it does not count while the machine sleeps.
  virtual instant now() const noexcept = 0;
  virtual wall_time wall() const noexcept = 0;

  /// Success when `when` has come (at once if it has passed), or errc::cancelled.
  sleep_operation sleep_until(instant when) const noexcept { return sleep_operation(when); }
  sleep_operation sleep_for(duration wait) const noexcept { return sleep_operation(saturating_add(now(), wait)); }
  deadline after(duration wait) const noexcept { return deadline::after(now(), wait); }
};

}  // namespace hale
