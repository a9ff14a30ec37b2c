// A descriptor whose readiness can be waited for. It costs nothing but itself until it is first waited for: most
// operations succeed at once, so callers try them first and wait only when the kernel says EAGAIN.
#pragma once

#include <cstdint>
#include <system_error>

#include "hale/async/suspension.hpp"
#include "hale/os/event_loop.hpp"
#include "hale/os/unique_fd.hpp"

namespace hale::os {

/// Told once for each time it asked.
class readiness_observer {
 public:
  /// Success: try again now. errc::closed: the descriptor was closed by its owner. May destroy the descriptor.
  virtual void on_ready(std::error_code why) noexcept = 0;

 protected:
  ~readiness_observer() = default;
};

class descriptor {
 public:
  enum side : std::uint8_t { readable, writable };

  descriptor() noexcept = default;
  /// REQUIRES: `fd` is non-blocking or only ever polled.
  descriptor(event_loop& loop, unique_fd fd) noexcept : loop_(&loop), fd_(fd.release()) {}
  descriptor(descriptor&& other) noexcept;
  descriptor& operator=(descriptor&& other) noexcept;
  ~descriptor() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  event_loop& loop() const noexcept { return *loop_; }

  /// REQUIRES: nobody waits on that side. Where it fails, `who` is not told.
  std::error_code ask(side which, readiness_observer& who) noexcept;
  void forget(side which) noexcept;
  /// Observers that wait are told errc::closed.
  void close() noexcept;

 private:
  class registration;
  struct ready_handler;

  event_loop* loop_ = nullptr;
  int fd_ = -1;
  registration* registration_ = nullptr;
};

/// `co_await readiness_wait(...)`: success when it is worth trying again, errc::timed_out, cancelled or closed. After an
/// error the descriptor may be gone.
class readiness_wait final : public suspension, private readiness_observer {
 public:
  readiness_wait(descriptor& on, descriptor::side which, deadline limit) noexcept
      : on_(on), which_(which), limit_(limit) {}
  ~readiness_wait() {
    if (parked()) on_.forget(which_);
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    if (!park(self, limit_)) return false;
    if (const std::error_code failed = on_.ask(which_, *this)) complete(failed);
    return true;
  }
  std::error_code await_resume() const noexcept { return error(); }

 private:
  void on_ready(std::error_code why) noexcept override { complete(why); }
  void leave() noexcept override { on_.forget(which_); }

  descriptor& on_;
  descriptor::side which_;
  deadline limit_;
};

}  // namespace hale::os
