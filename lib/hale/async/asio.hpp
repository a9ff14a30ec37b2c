// Asio operations inside tasks, tasks inside asio coroutines. For code that brings its own asio objects; they must
// complete on the thread that runs the task's executor (objects made with linux_world::io()).
//
//     asio::steady_timer timer(here.io(), 10ms);
//     std::error_code failed = co_await timer.async_wait(hale::use_task);
//     hale::result<std::size_t> count = co_await socket.async_read_some(buffer, hale::use_task);
//
// Errors are values. When the task is cancelled the operation is told through its cancellation slot, and the wait ends
// when it has; it then gives what the operation gives, asio::error::operation_aborted as a rule.
#pragma once

#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>

#include "hale/async/task.hpp"
#include "hale/base/result.hpp"

namespace hale {

/// The completion token. Gives, for a handler signature of
/// void(): void · void(error_code): error_code · void(error_code, T): result<T> · void(error_code, T, U): result<tuple> ·
/// void(exception_ptr) and void(exception_ptr, T): void and T, or the exception is thrown.
struct use_task_t {};
inline constexpr use_task_t use_task{};

namespace detail {

template <class... Values>
struct asio_outcome;

template <>
struct asio_outcome<> {
  using type = void;
  static void give() noexcept {}
};
template <>
struct asio_outcome<std::error_code> {
  using type = std::error_code;
  static type give(std::error_code code) noexcept { return code; }
};
template <class T>
struct asio_outcome<std::error_code, T> {
  using type = result<T>;
  static type give(std::error_code code, T value) {
    if (code) return code;
    return type(std::move(value));
  }
};
template <class T, class U, class... More>
struct asio_outcome<std::error_code, T, U, More...> {
  using type = result<std::tuple<T, U, More...>>;
  static type give(std::error_code code, T first, U second, More... more) {
    if (code) return code;
    return type(std::tuple<T, U, More...>(std::move(first), std::move(second), std::move(more)...));
  }
};
template <>
struct asio_outcome<std::exception_ptr> {
  using type = void;
  static void give(std::exception_ptr failed) {
    if (failed) std::rethrow_exception(failed);
  }
};
template <class T>
struct asio_outcome<std::exception_ptr, T> {
  using type = T;
  static T give(std::exception_ptr failed, T value) {
    if (failed) std::rethrow_exception(failed);
    return value;
  }
};

/// What the operation's handler and the waiting coroutine share. Whichever goes first leaves the other alone.
template <class... Values>
class asio_meeting final : public work {
 public:
  asio_meeting() noexcept : work([](work& self) noexcept { static_cast<asio_meeting&>(self).waiting_.resume(); }) {}

  void wait_for(std::coroutine_handle<> waiting, executor& on) noexcept {
    waiting_ = waiting;
    executor_ = &on;
  }
  void arrive(Values... values) {
    values_.emplace(std::move(values)...);
    if (executor_ != nullptr) executor_->post(*this);
  }
  void abandon() noexcept {
    unlink();
    executor_ = nullptr;
  }
  std::tuple<Values...> take() { return std::move(*values_); }
  asio::cancellation_signal cancel;

 private:
  std::coroutine_handle<> waiting_;
  executor* executor_ = nullptr;
  std::optional<std::tuple<Values...>> values_;
};

template <class... Values>
struct asio_handler {
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return meeting->cancel.slot(); }
  void operator()(Values... values) { meeting->arrive(std::move(values)...); }
  std::shared_ptr<asio_meeting<Values...>> meeting;
};

/// REQUIRES: awaited at most once, where it was made.
template <class Initiation, class Arguments, class... Values>
class asio_operation : private cancel_hook {
 public:
  asio_operation(Initiation initiation, Arguments arguments)
      : cancel_hook(&cancelled), initiation_(std::move(initiation)), arguments_(std::move(arguments)) {}
  asio_operation(asio_operation&& other)
      : cancel_hook(&cancelled),
        initiation_(std::move(other.initiation_)),
        arguments_(std::move(other.arguments_)) {}
  ~asio_operation() {
    if (!meeting_) return;
    meeting_->abandon();
    meeting_->cancel.emit(asio::cancellation_type::all);
  }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) {
    const context& where = waiting.promise().context();
    meeting_ = std::make_shared<asio_meeting<Values...>>();
    meeting_->wait_for(waiting, *where.executor);
    std::apply(
        [this](auto&&... arguments) {
          std::move(initiation_)(asio_handler<Values...>{meeting_}, std::move(arguments)...);
        },
        std::move(arguments_));
    if (where.cancelled()) {
      meeting_->cancel.emit(asio::cancellation_type::all);
    } else if (where.cancellation != nullptr) {
      where.cancellation->attach(*this);
    }
  }
  auto await_resume() {
    cancel_hook::unlink();
    auto meeting = std::exchange(meeting_, nullptr);
    return std::apply(&asio_outcome<Values...>::give, meeting->take());
  }

 private:
  static void cancelled(cancel_hook& self) noexcept {
    // The signal may end the operation at once and us with it: it is held.
    const auto meeting = static_cast<asio_operation&>(self).meeting_;
    meeting->cancel.emit(asio::cancellation_type::all);
  }

  Initiation initiation_;
  Arguments arguments_;
  std::shared_ptr<asio_meeting<Values...>> meeting_;
};

}  // namespace detail

/// An asio coroutine as a task. `on` is where it runs, on this thread.
template <class T, class Executor>
task<T> from_awaitable(asio::awaitable<T, Executor> inner, Executor on) {
  auto operation = asio::co_spawn(on, std::move(inner), use_task);
  co_return co_await operation;
}

namespace detail {

/// A task that an asio coroutine waits for; destroys itself in a step after the task's end.
template <class T, class Handler>
class task_for_asio final : work, completion {
 public:
  static void start(task<T> body, executor& on, Handler handler) {
    auto* made = new task_for_asio(std::move(body), on, std::move(handler));
    made->body_.prepare(context{&on, &made->cancellation_}, *made);
    auto slot = asio::get_associated_cancellation_slot(made->handler_);
    if (slot.is_connected()) slot.assign([made](asio::cancellation_type) { made->cancellation_.cancel(); });
    on.post(*made);
  }

 private:
  task_for_asio(task<T> body, executor& on, Handler handler)
      : work([](work& self) noexcept { static_cast<task_for_asio&>(self).step(); }),
        body_(std::move(body)),
        executor_(on),
        handler_(std::move(handler)) {}

  void step() noexcept {
    if (!done_) {
      body_.resume();
      return;
    }
    auto slot = asio::get_associated_cancellation_slot(handler_);
    if (slot.is_connected()) slot.clear();
    const std::unique_ptr<task_for_asio> self(this);
    Handler handler(std::move(handler_));
    finish(handler);
  }
  void finish(Handler& handler) {
    std::exception_ptr failed;
    if constexpr (std::is_void_v<T>) {
      try {
        body_.take();
      } catch (...) {
        failed = std::current_exception();
      }
      std::move(handler)(failed);
    } else {
      std::optional<T> value;
      try {
        value.emplace(body_.take());
      } catch (...) {
        failed = std::current_exception();
      }
      std::move(handler)(failed, value ? std::move(*value) : T());
    }
  }
  void finished() noexcept override {
    done_ = true;
    executor_.post(*this);
  }

  task<T> body_;
  executor& executor_;
  cancel_source cancellation_;
  Handler handler_;
  bool done_ = false;
};

template <class T>
struct task_signature {
  using type = void(std::exception_ptr, T);
};
template <>
struct task_signature<void> {
  using type = void(std::exception_ptr);
};

}  // namespace detail

/// A task for an asio coroutine to wait for: `co_await as_awaitable(f(), here.loop())`. Cancelling the asio coroutine
/// cancels the task. REQUIRES: `on` is run by this thread; T has a default value.
template <class T>
asio::awaitable<T> as_awaitable(task<T> inner, executor& on) {
  const auto initiate = [](auto&& handler, task<T> body, executor* where) {
    using handler_type = std::decay_t<decltype(handler)>;
    detail::task_for_asio<T, handler_type>::start(std::move(body), *where, std::forward<decltype(handler)>(handler));
  };
  return asio::async_initiate<const asio::use_awaitable_t<>&, typename detail::task_signature<T>::type>(
      initiate, asio::use_awaitable, std::move(inner), &on);
}

}  // namespace hale

template <class... Values>
class asio::async_result<hale::use_task_t, void(Values...)> {
 public:
  template <class Initiation, class... Arguments>
  static auto initiate(Initiation&& initiation, hale::use_task_t, Arguments&&... arguments) {
    using held = std::tuple<std::decay_t<Arguments>...>;
    return hale::detail::asio_operation<std::decay_t<Initiation>, held, std::decay_t<Values>...>(
        std::forward<Initiation>(initiation), held(std::forward<Arguments>(arguments)...));
  }
};
