// An executor for tests: runs what is ready, first in first out, and when nothing is, lets time jump to the next timer.
// No real time passes.
#pragma once

#include <algorithm>

#include "hale/async/executor.hpp"
#include "hale/async/root.hpp"
#include "hale/async/timer_queue.hpp"

namespace hale::test {

class manual_executor final : public executor {
 public:
  ~manual_executor() { closing_ = true; }
  void post(work& item) noexcept override { ready_.push_back(item); }
  bool closing() const noexcept override { return closing_; }
  instant now() const noexcept { return now_; }

  /// Runs everything that is ready now, without letting time pass.
  void run_ready() {
    while (!ready_.empty()) ready_.pop_front().run();
  }
  /// Runs until nothing is ready and no timer is due by `until`; time is then `until`.
  void run_until(instant until) {
    for (;;) {
      run_ready();
      if (timers_.empty() || timers_.next_due() > until) break;
      now_ = std::max(now_, timers_.next_due());
      timers_.expire_next();
    }
    now_ = std::max(now_, until);
  }
  /// Time passes and nothing runs: as if the process had been stopped.
  void oversleep(duration wait) { now_ += wait; }
  void run_for(duration wait) { run_until(now_ + wait); }
  /// Runs until nothing is ready and no timer is armed.
  void run() {
    for (;;) {
      run_ready();
      if (timers_.empty()) return;
      now_ = timers_.next_due();
      timers_.expire_next();
    }
  }
  /// Runs one thing that is ready, or lets time jump to the next timer; false if there is neither.
  bool step() {
    if (!ready_.empty()) {
      ready_.pop_front().run();
      return true;
    }
    if (timers_.empty()) return false;
    now_ = timers_.next_due();
    timers_.expire_next();
    return true;
  }
  /// Drives one task to its end and gives its result. REQUIRES: it ends by itself.
  template <class T>
  T run(task<T> body) {
    root<T> driven(*this, std::move(body));
    run();
    return driven.take();
  }

  void arm(timer& item, instant due) noexcept override { timers_.insert(item, due < now_ ? now_ : due); }
  void disarm(timer& item) noexcept override { timers_.erase(item); }

 private:
  bool closing_ = false;
  instant now_{};
  intrusive_list<work> ready_;
  timer_queue timers_;
};

}  // namespace hale::test
