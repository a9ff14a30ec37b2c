// race(a, b, ...): runs all, and when the first has ended cancels the others and waits for them. The result names the
// winner and holds what every task returned, so that what a loser had already taken is not lost. Tasks start from left
// to right, and of those that end in one instant the leftmost to be resumed wins.
//
//     auto both = race(wait_for_exit(p), wait_for_stop());
//     auto outcome = co_await both;
//     if (outcome.winner == 0) use(outcome.get<0>());
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "hale/async/task.hpp"

namespace hale {

template <class... Results>
struct race_result {
  std::size_t winner = 0;
  std::tuple<Results...> results;

  template <std::size_t Index>
  auto& get() noexcept {
    return std::get<Index>(results);
  }
};

namespace detail {

template <class T>
using storable = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

class race_base : public work {
 public:
  void ended(std::size_t index) noexcept {
    if (!winner_.has_value()) {
      winner_ = index;
      losers_->cancel();
    }
    if (--running_ == 0) executor_->post(*this);
  }

 protected:
  explicit race_base(std::size_t count) noexcept
      : work([](work& self) noexcept { static_cast<race_base&>(self).waiting_.resume(); }), running_(count) {}

  std::coroutine_handle<> waiting_;
  executor* executor_ = nullptr;
  std::optional<cancel_source> losers_;
  std::optional<std::size_t> winner_;
  std::size_t running_;
};

template <class T>
class race_runner final : work, completion {
 public:
  race_runner(task<T>&& body) noexcept
      : work([](work& self) noexcept { static_cast<race_runner&>(self).body_.resume(); }), body_(std::move(body)) {}

  void start(race_base& race, std::size_t index, executor& on, cancel_source& losers) noexcept {
    race_ = &race;
    index_ = index;
    body_.prepare(context{&on, &losers}, *this);
    on.post(*this);
  }
  storable<T> take() {
    if constexpr (std::is_void_v<T>) {
      body_.take();
      return {};
    } else {
      return body_.take();
    }
  }

 private:
  void finished() noexcept override { race_->ended(index_); }

  task<T> body_;
  race_base* race_ = nullptr;
  std::size_t index_ = 0;
};

template <class... Ts>
class race_operation : race_base {
 public:
  explicit race_operation(task<Ts>&&... bodies) noexcept
      : race_base(sizeof...(Ts)), runners_(std::move(bodies)...) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
    const context& where = waiting.promise().context();
    waiting_ = waiting;
    executor_ = where.executor;
    losers_.emplace(where.cancellation);
    start_all(std::index_sequence_for<Ts...>());
  }
  race_result<storable<Ts>...> await_resume() { return take_all(std::index_sequence_for<Ts...>()); }

 private:
  template <std::size_t... Index>
  void start_all(std::index_sequence<Index...>) noexcept {
    (std::get<Index>(runners_).start(*this, Index, *executor_, *losers_), ...);
  }
  // Braces fix the order of evaluation: of several exceptions the leftmost is thrown.
  template <std::size_t... Index>
  race_result<storable<Ts>...> take_all(std::index_sequence<Index...>) {
    std::tuple<storable<Ts>...> results{std::get<Index>(runners_).take()...};
    return {*winner_, std::move(results)};
  }

  std::tuple<race_runner<Ts>...> runners_;
};

}  // namespace detail

template <class... Ts>
detail::race_operation<Ts...> race(task<Ts>... bodies) noexcept {
  return detail::race_operation<Ts...>(std::move(bodies)...);
}

}  // namespace hale
