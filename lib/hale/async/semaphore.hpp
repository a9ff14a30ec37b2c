// A bounded number of permits, handed out in the order they were asked for. A permit returns itself when destroyed.
#pragma once

#include <cstddef>
#include <utility>

#include "hale/async/wait_queue.hpp"
#include "hale/base/result.hpp"

namespace hale {

class semaphore;

class permit {
 public:
  permit() noexcept = default;
  permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  permit& operator=(permit&& other) noexcept {
    std::swap(from_, other.from_);
    return *this;
  }
  ~permit() { release(); }
  inline void release() noexcept;
  explicit operator bool() const noexcept { return from_ != nullptr; }

 private:
  friend class semaphore;
  explicit permit(semaphore& from) noexcept : from_(&from) {}
  semaphore* from_ = nullptr;
};

/// Outlives its permits and its waiters.
class semaphore {
 public:
  explicit semaphore(std::size_t permits) noexcept : free_(permits) {}

  class acquire_operation : public queued_wait {
   public:
    acquire_operation(semaphore& from, deadline limit) noexcept : from_(from), limit_(limit) {}
    // A permit given to a wait that is destroyed before it resumes goes back.
    ~acquire_operation() {
      if (granted_) from_.give_back();
    }
    bool await_ready() noexcept {
      if (from_.free_ == 0 || !from_.waiting_.empty()) return false;
      --from_.free_;
      granted_ = true;
      return true;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return park_in(from_.waiting_, self, limit_);
    }
    result<permit> await_resume() noexcept {
      if (!granted_) return error();
      granted_ = false;
      return permit(from_);
    }

   private:
    friend class semaphore;
    semaphore& from_;
    deadline limit_;
    bool granted_ = false;
  };

  /// A permit, or errc::timed_out, or errc::cancelled.
  acquire_operation acquire(deadline limit = deadline::never()) noexcept { return {*this, limit}; }
  std::size_t free() const noexcept { return free_; }

 private:
  friend class permit;
  void give_back() noexcept {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    auto& next = static_cast<acquire_operation&>(waiting_.front());
    next.granted_ = true;
    next.complete();
  }

  std::size_t free_;
  wait_queue waiting_;
};

inline void permit::release() noexcept {
  if (from_ != nullptr) std::exchange(from_, nullptr)->give_back();
}

}  // namespace hale
