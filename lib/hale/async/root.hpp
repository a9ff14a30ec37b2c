// Where coroutines begin: a root drives one task from outside any coroutine. Made by those who own an executor (the
// real world's run loop, the simulator, tests).
#pragma once

#include <cassert>
#include <optional>

#include "hale/async/task.hpp"

namespace hale {

/// Outlives the run of its task, or is destroyed together with it.
template <class T>
class root final : work, completion {
 public:
  root(executor& on, task<T> body, cancel_source* cancellation = nullptr)
      : work([](work& self) noexcept { static_cast<root&>(self).body_.resume(); }), body_(std::move(body)) {
    body_.prepare(context{&on, cancellation}, *this);
    on.post(*this);
  }

  bool done() const noexcept { return done_; }
  /// What the task returned or threw. REQUIRES: done(); once.
  T take() {
    assert(done_);
    return body_.take();
  }

 private:
  void finished() noexcept override { done_ = true; }
  task<T> body_;
  bool done_ = false;
};

}  // namespace hale
