// The real world's executor: work that is ready, timers, and the kernel's readiness through an asio::io_context, all on
// one thread. What is ready runs in batches, and the kernel is asked between batches, so that neither starves the
// other. No kernel timer is ever armed: the earliest timer is the timeout of the wait for the kernel.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include "hale/async/executor.hpp"
#include "hale/async/root.hpp"
#include "hale/async/timer_queue.hpp"

namespace hale::os {

/// CLOCK_MONOTONIC, in nanoseconds.
instant monotonic_now() noexcept;

class event_loop final : public executor {
 public:
  event_loop();
  ~event_loop() { closing_ = true; }

  void post(work& item) noexcept override { ready_.push_back(item); }
  bool closing() const noexcept override { return closing_; }
  void arm(timer& item, instant due) noexcept override { timers_.insert(item, due); }
  void disarm(timer& item) noexcept override { timers_.erase(item); }

  /// The engine below, for code that brings its own asio objects. Handlers run on the thread that runs the loop.
  asio::io_context& io() noexcept { return io_; }

  /// Drives `body` to its end and gives its result, or throws what it threw. Everything else makes progress meanwhile.
  template <class T>
  T run(task<T> body, cancel_source* cancellation = nullptr) {
    root<T> driven(*this, std::move(body), cancellation);
    for (;;) {
      run_ready();
      if (driven.done()) return driven.take();
      look_for_more();
    }
  }

  /// False once the step that is running has done so much I/O without waiting that others should have their turn.
  bool spend() noexcept { return ++spent_ <= spend_limit; }

 private:
  static constexpr int batch_limit = 64;
  static constexpr int spend_limit = 32;

  void run_ready();
  void look_for_more();
  void expire_timers() noexcept;
  void wait();

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> keep_waiting_;
  intrusive_list<work> ready_;
  timer_queue timers_;
  int spent_ = 0;
  bool closing_ = false;
};

}  // namespace hale::os
