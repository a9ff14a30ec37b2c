#include "hale/os/event_loop.hpp"

#include <time.h>

namespace hale::os {

instant monotonic_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return instant(std::chrono::seconds(now.tv_sec) + duration(now.tv_nsec));
}

event_loop::event_loop() : io_(1), keep_waiting_(io_.get_executor()) {}

void event_loop::run_ready() {
  expire_timers();
  for (int left = batch_limit; left > 0 && !ready_.empty(); --left) {
    spent_ = 0;
    ready_.pop_front().run();
  }
}

void event_loop::look_for_more() {
  if (ready_.empty()) {
    wait();
    return;
  }
  for (int left = batch_limit; left > 0 && io_.poll_one() > 0; --left) {
  }
}

void event_loop::expire_timers() noexcept {
  if (timers_.empty()) return;
  const instant now = monotonic_now();
  while (!timers_.empty() && timers_.next_due() <= now) timers_.expire_next();
}

// Runs one handler, after waiting for it if there is none; asio keeps those that came with it for the next turns.
void event_loop::wait() {
  if (timers_.empty()) {
    io_.run_one();
    return;
  }
  const instant now = monotonic_now();
  const instant due = timers_.next_due();
  if (due <= now) return;
  io_.run_one_for(due - now);
}

}  // namespace hale::os
