// The base of every leaf wait: a coroutine parked until something completes it, once. It leaves whatever list, timer
// table or cancellation it hangs on when it completes or is destroyed. Derive from it to make an awaitable operation:
//
//     class my_wait : public suspension {
//      public:
//       bool await_ready() noexcept;                      // true: no need to wait
//       template <class Promise>
//       bool await_suspend(std::coroutine_handle<Promise> h) noexcept { return park(h, deadline); }
//       std::error_code await_resume() noexcept { return error(); }
//     };
//
// and call complete() from whatever it waits for. A wait that is already cancelled does not park.
#pragma once

#include <coroutine>
#include <system_error>

#include "hale/async/task.hpp"
#include "hale/base/error.hpp"

namespace hale {

class suspension : public work, private cancel_hook, private timer {
 public:
  suspension() noexcept : work(&resume), cancel_hook(&cancelled), timer(&expired) {}

 protected:
  ~suspension() = default;

  /// Parks the coroutine. False if it must not wait: it is cancelled, or the error is set already.
  template <class Promise>
  bool park(std::coroutine_handle<Promise> waiting, deadline limit = deadline::never()) noexcept {
    const context& where = waiting.promise().context();
    if (where.cancelled()) {
      error_ = make_error_code(errc::cancelled);
      return false;
    }
    waiting_ = waiting;
    executor_ = where.executor;
    if (where.cancellation != nullptr) where.cancellation->attach(*this);
    if (!limit.is_never()) timer::arm(*executor_, limit.at());
    return true;
  }

  bool parked() const noexcept { return executor_ != nullptr; }
  std::error_code error() const noexcept { return error_; }

  /// Ends the wait; the first call counts. The coroutine resumes in a step of its own. REQUIRES: park() returned true.
  void complete(std::error_code why = {}) noexcept {
    if (executor_ == nullptr) return;
    error_ = why;
    leave();
    cancel_hook::unlink();
    timer::disarm();
    executor* on = executor_;
    executor_ = nullptr;
    on->post(*this);
  }

  /// Called when the wait ends for whatever reason, to be taken off what it waits for.
  virtual void leave() noexcept {}

 private:
  static void resume(work& self) noexcept { static_cast<suspension&>(self).waiting_.resume(); }
  static void cancelled(cancel_hook& self) noexcept {
    static_cast<suspension&>(self).complete(make_error_code(errc::cancelled));
  }
  static void expired(timer& self) noexcept {
    static_cast<suspension&>(self).complete(make_error_code(errc::timed_out));
  }

  std::coroutine_handle<> waiting_;
  executor* executor_ = nullptr;
  std::error_code error_;
};

/// Waits until `until` on the executor's own clock. Success when the moment came, errc::cancelled otherwise.
class sleep_operation : public suspension {
 public:
  explicit sleep_operation(instant until) noexcept : until_(until) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return park(self, deadline(until_));
  }
  std::error_code await_resume() const noexcept {
    return error() == errc::timed_out ? std::error_code{} : error();
  }

 private:
  instant until_;
};

inline sleep_operation sleep_until(instant when) noexcept { return sleep_operation(when); }

/// Lets everything that is ready run first.
class yield_operation : public suspension {
 public:
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    if (!park(self)) return false;
    complete();
    return true;
  }
  void await_resume() const noexcept {}
};

inline yield_operation yield() noexcept { return {}; }

}  // namespace hale
