// Two ways to be told: an `event` is set and stays set until reset; a `notification` wakes those who wait now.
#pragma once

#include "hale/async/wait_queue.hpp"

namespace hale {

class event {
 public:
  bool is_set() const noexcept { return set_; }
  void set() noexcept {
    set_ = true;
    waiting_.wake_all();
  }
  void reset() noexcept { set_ = false; }
  /// Success once set; errc::timed_out or errc::cancelled otherwise.
  queue_operation wait(deadline limit = deadline::never()) noexcept { return {waiting_, set_, limit}; }

 private:
  bool set_ = false;
  wait_queue waiting_;
};

class notification {
 public:
  void notify_all() noexcept { waiting_.wake_all(); }
  queue_operation wait(deadline limit = deadline::never()) noexcept { return {waiting_, false, limit}; }

 private:
  wait_queue waiting_;
};

}  // namespace hale
