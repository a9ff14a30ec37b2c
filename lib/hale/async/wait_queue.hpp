// Coroutines waiting in line for the same thing, first come first served. The building block of event, semaphore,
// gate and channel.
#pragma once

#include "hale/async/suspension.hpp"

namespace hale {

class wait_queue;

/// A wait that stands in a queue. Derived awaitables call `park_in` from await_suspend.
class queued_wait : public suspension {
 public:
  queued_wait() noexcept : link_(*this) {}

 protected:
  template <class Promise>
  bool park_in(wait_queue& queue, std::coroutine_handle<Promise> waiting, deadline limit) noexcept;
  void leave() noexcept override { link_.unlink(); }

 private:
  friend class wait_queue;
  struct link : list_node {
    explicit link(queued_wait& wait) noexcept : owner(wait) {}
    queued_wait& owner;
  };
  link link_;
};

class wait_queue {
 public:
  bool empty() const noexcept { return waiting_.empty(); }
  /// REQUIRES: !empty()
  queued_wait& front() noexcept { return waiting_.front().owner; }
  void wake_one(std::error_code why = {}) noexcept {
    if (!empty()) front().complete(why);
  }
  void wake_all(std::error_code why = {}) noexcept {
    while (!empty()) front().complete(why);
  }

 private:
  friend class queued_wait;
  intrusive_list<queued_wait::link> waiting_;
};

template <class Promise>
bool queued_wait::park_in(wait_queue& queue, std::coroutine_handle<Promise> waiting, deadline limit) noexcept {
  if (!park(waiting, limit)) return false;
  queue.waiting_.push_back(link_);
  return true;
}

/// An awaitable that stands in `queue` until woken: gives the waker's error, errc::timed_out or errc::cancelled.
class queue_operation : public queued_wait {
 public:
  queue_operation(wait_queue& queue, bool ready, deadline limit) noexcept
      : queue_(queue), ready_(ready), limit_(limit) {}
  bool await_ready() const noexcept { return ready_; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    return park_in(queue_, self, limit_);
  }
  std::error_code await_resume() const noexcept { return error(); }

 private:
  wait_queue& queue_;
  bool ready_;
  deadline limit_;
};

}  // namespace hale
