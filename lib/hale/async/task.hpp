// task<T>: a coroutine that starts when it is awaited and gives its awaiter a T. It carries a context (where it runs,
// what cancels it) that every task it awaits inherits. An unawaited task never runs; destroying a suspended task
// destroys everything below it, and nothing it waited for can reach it any more.
//
// Correct use: take parameters by value; never write a braced list, an aggregate, a capturing lambda or a conditional
// inside the full expression of a co_await (GCC 12.2 miscompiles them): name the argument first.
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "hale/async/cancellation.hpp"
#include "hale/async/executor.hpp"

namespace hale {

/// Where a coroutine runs and what cancels it. Both outlive it; a null source cannot cancel.
struct context {
  hale::executor* executor = nullptr;
  cancel_source* cancellation = nullptr;
  bool cancelled() const noexcept { return cancellation != nullptr && cancellation->cancelled(); }
};

/// Told when a task that nobody co_awaits directly (a scope's child, a race's runner, a root) has finished.
class completion {
 public:
  virtual void finished() noexcept = 0;

 protected:
  ~completion() = default;
};

template <class T>
class task;

namespace detail {

class promise_base {
  struct hand_over {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      promise_base& promise = self.promise();
      if (promise.continuation_) return promise.continuation_;
      if (promise.completion_ != nullptr) promise.completion_->finished();
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept { return hand_over{}; }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  const hale::context& context() const noexcept { return context_; }
  void set_context(const hale::context& value) noexcept { context_ = value; }
  void set_continuation(std::coroutine_handle<> value) noexcept { continuation_ = value; }
  void set_completion(completion& value) noexcept { completion_ = &value; }

 protected:
  void rethrow_if_failed() {
    if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  }

 private:
  hale::context context_;
  std::coroutine_handle<> continuation_;
  completion* completion_ = nullptr;
  std::exception_ptr exception_;
};

template <class T>
class task_promise : public promise_base {
 public:
  task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow_if_failed();
    assert(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class task_promise<void> : public promise_base {
 public:
  task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() { rethrow_if_failed(); }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;
  using value_type = T;

  task() noexcept = default;
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    task(std::move(other)).swap(*this);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }
  void swap(task& other) noexcept { std::swap(handle_, other.handle_); }
  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

  // How a runner (scope, race, root) drives a task that it does not co_await.
  /// Starts or continues nothing by itself: prepares the task to run in `where` and to report to `to`.
  void prepare(const context& where, completion& to) noexcept {
    handle_.promise().set_context(where);
    handle_.promise().set_completion(to);
  }
  void resume() { handle_.resume(); }
  bool done() const noexcept { return handle_.done(); }
  /// The result, or its exception. REQUIRES: done(); once.
  T take() { return handle_.promise().take(); }

  /// The finished coroutine's frame is gone once its result has been taken, also where the task itself lives on.
  struct awaiter {
    task* owner;
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
      return await_in(awaiting.promise().context(), awaiting);
    }
    std::coroutine_handle<> await_in(const context& where, std::coroutine_handle<> awaiting) noexcept {
      owner->handle_.promise().set_context(where);
      owner->handle_.promise().set_continuation(awaiting);
      return owner->handle_;
    }
    T await_resume() {
      const task finished = std::move(*owner);
      return finished.handle_.promise().take();
    }
  };
  /// REQUIRES: not awaited before; the task outlives the wait.
  awaiter operator co_await() && noexcept {
    assert(handle_ && !handle_.done());
    return awaiter{this};
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

struct context_awaiter {
  context found;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    found = self.promise().context();
    return false;
  }
  context await_resume() const noexcept { return found; }
};

template <class T>
class in_context_awaiter {
 public:
  in_context_awaiter(task<T> inner, cancel_source* cancellation) noexcept
      : inner_(std::move(inner)), cancellation_(cancellation) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
    const context where{awaiting.promise().context().executor, cancellation_};
    return std::move(inner_).operator co_await().await_in(where, awaiting);
  }
  T await_resume() { return typename task<T>::awaiter{&inner_}.await_resume(); }

 private:
  task<T> inner_;
  cancel_source* cancellation_;
};
}  // namespace detail

/// `co_await this_context()` gives the context of the calling coroutine.
inline detail::context_awaiter this_context() noexcept { return {}; }

/// Runs `inner` beyond the reach of the caller's cancellation: for clean-up that must wait. It must be bounded itself.
template <class T>
detail::in_context_awaiter<T> shielded(task<T> inner) {
  return {std::move(inner), nullptr};
}

/// Runs `inner` under `source` in place of the caller's cancellation.
template <class T>
detail::in_context_awaiter<T> cancelled_by(cancel_source& source, task<T> inner) {
  return {std::move(inner), &source};
}

}  // namespace hale
