// What coroutines run on. An executor keeps a queue of work that is ready and a table of timers; the real world's is
// fed by the kernel, the simulator's by its choices. Resuming a coroutine is always a queued step of its own, never a
// call from inside another: so no wait re-enters its waker, and the simulator may choose the order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hale/base/intrusive_list.hpp"
#include "hale/base/time.hpp"

namespace hale {

/// Something that can be run once it is ready; lives inside its owner and leaves the queue when that is destroyed.
class work : public list_node {
 public:
  using function = void (*)(work&) noexcept;
  explicit work(function run) noexcept : run_(run) {}
  void run() noexcept { run_(*this); }

 private:
  function run_;
};

class executor;

/// A moment on an executor's clock at which `expired` is called, once, unless disarmed or destroyed before.
class timer {
 public:
  using function = void (*)(timer&) noexcept;
  explicit timer(function expired) noexcept : expired_(expired) {}
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  ~timer() { disarm(); }

  /// REQUIRES: !armed(). A moment that has passed counts as now.
  void arm(executor& on, instant due) noexcept;
  void disarm() noexcept;
  bool armed() const noexcept { return executor_ != nullptr; }
  instant due() const noexcept { return due_; }

 private:
  friend class timer_queue;
  function expired_;
  executor* executor_ = nullptr;
  instant due_{};
  std::uint64_t sequence_ = 0;
  std::size_t slot_ = 0;
};

class executor {
 public:
  /// Runs `item` later, after what is queued already. REQUIRES: !item.linked()
  virtual void post(work& item) noexcept = 0;
  /// True while everything on this executor is being destroyed: unfinished children are then no mistake.
  virtual bool closing() const noexcept { return false; }

  // For timer alone.
  virtual void arm(timer& item, instant due) noexcept = 0;
  virtual void disarm(timer& item) noexcept = 0;

 protected:
  ~executor() = default;
};

inline void timer::arm(executor& on, instant due) noexcept {
  executor_ = &on;
  on.arm(*this, due);
}
inline void timer::disarm() noexcept {
  if (executor_ == nullptr) return;
  executor_->disarm(*this);
  executor_ = nullptr;
}

}  // namespace hale
