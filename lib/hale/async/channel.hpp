// A bounded queue between coroutines. An item is handed to one receiver at the moment it is sent: a receive that was
// given one keeps it even if its deadline or its cancellation comes in the same instant, so nothing is ever lost.
#pragma once

#include <cassert>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "hale/async/wait_queue.hpp"
#include "hale/base/result.hpp"

namespace hale {

/// Outlives its waiters. T is movable.
template <class T>
class channel {
 public:
  /// REQUIRES: capacity > 0
  explicit channel(std::size_t capacity) : capacity_(capacity) { assert(capacity > 0); }

  /// False when full or closed: the item is then untouched.
  bool try_send(T& item) {
    if (closed_ || (receivers_.empty() && items_.size() >= capacity_)) return false;
    deliver(std::move(item));
    return true;
  }
  bool try_send(T&& item) { return try_send(item); }

  class send_operation : public queued_wait {
   public:
    send_operation(channel& into, T item, deadline limit) : into_(into), item_(std::move(item)), limit_(limit) {}
    bool await_ready() {
      if (into_.closed_) return true;
      sent_ = into_.senders_.empty() && into_.try_send(item_);
      return sent_;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return park_in(into_.senders_, self, limit_);
    }
    /// Success once the item is in the channel; errc::closed, errc::timed_out or errc::cancelled if it never will be.
    std::error_code await_resume() const noexcept {
      if (sent_) return {};
      return error() ? error() : make_error_code(errc::closed);
    }

   private:
    friend class channel;
    channel& into_;
    T item_;
    deadline limit_;
    bool sent_ = false;
  };
  send_operation send(T item, deadline limit = deadline::never()) { return {*this, std::move(item), limit}; }

  class receive_operation : public queued_wait {
   public:
    receive_operation(channel& from, deadline limit) : from_(from), limit_(limit) {}
    bool await_ready() {
      if (from_.items_.empty()) return from_.closed_;
      item_.emplace(std::move(from_.items_.front()));
      from_.items_.pop_front();
      from_.admit_sender();
      return true;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      return park_in(from_.receivers_, self, limit_);
    }
    /// The oldest item; errc::closed once closed and empty, errc::timed_out, errc::cancelled.
    result<T> await_resume() {
      if (item_.has_value()) return std::move(*item_);
      return error() ? error() : make_error_code(errc::closed);
    }

   private:
    friend class channel;
    channel& from_;
    deadline limit_;
    std::optional<T> item_;
  };
  receive_operation receive(deadline limit = deadline::never()) { return {*this, limit}; }

  /// What is in the channel can still be received; senders that wait are refused.
  void close() noexcept {
    closed_ = true;
    senders_.wake_all(make_error_code(errc::closed));
    receivers_.wake_all(make_error_code(errc::closed));
  }
  bool closed() const noexcept { return closed_; }
  std::size_t size() const noexcept { return items_.size(); }

 private:
  void deliver(T&& item) {
    if (receivers_.empty()) {
      items_.push_back(std::move(item));
      return;
    }
    auto& receiver = static_cast<receive_operation&>(receivers_.front());
    receiver.item_.emplace(std::move(item));
    receiver.complete();
  }
  void admit_sender() {
    if (senders_.empty()) return;
    auto& sender = static_cast<send_operation&>(senders_.front());
    items_.push_back(std::move(sender.item_));
    sender.sent_ = true;
    sender.complete();
  }

  std::size_t capacity_;
  bool closed_ = false;
  std::deque<T> items_;
  wait_queue senders_;
  wait_queue receivers_;
};

}  // namespace hale
