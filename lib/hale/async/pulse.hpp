// "Look again": wakes those who wait at this moment, and remembers nothing.
#pragma once

#include "hale/async/wait_queue.hpp"

namespace hale {

class pulse {
 public:
  void wake_all() noexcept { waiting_.wake_all(); }
  /// Success at the next wake_all(); errc::timed_out or errc::cancelled otherwise.
  queue_operation wait(deadline limit = deadline::never()) noexcept { return {waiting_, false, limit}; }

 private:
  wait_queue waiting_;
};

}  // namespace hale
