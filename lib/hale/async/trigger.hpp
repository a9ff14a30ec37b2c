// Something that happens once and stays so: those who wait for it, before or after, go on.
#pragma once

#include "hale/async/wait_queue.hpp"

namespace hale {

class trigger {
 public:
  bool fired() const noexcept { return fired_; }
  void fire() noexcept {
    fired_ = true;
    waiting_.wake_all();
  }
  /// Success once fired; errc::timed_out or errc::cancelled otherwise.
  queue_operation wait(deadline limit = deadline::never()) noexcept { return {waiting_, fired_, limit}; }

 private:
  bool fired_ = false;
  wait_queue waiting_;
};

}  // namespace hale
