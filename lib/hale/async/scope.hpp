// Structured concurrency: a scope owns the coroutines spawned in it. It must be joined before it ends, so nothing is
// ever detached and forgotten; cancelling it cancels all its children, and its parent's cancellation reaches it.
//
//     const context here = co_await this_context();
//     scope children(here);
//     children.spawn(watch(...));
//     ...
//     children.cancel();
//     co_await children.join();
#pragma once

#include <cassert>
#include <cstddef>
#include <exception>

#include "hale/async/task.hpp"
#include "hale/async/wait_queue.hpp"

namespace hale {

class scope {
 public:
  explicit scope(const context& parent) noexcept : executor_(*parent.executor), cancellation_(parent.cancellation) {}
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope();

  /// Starts `child` in a step of its own. A child that throws cancels its siblings; join() throws the first exception.
  void spawn(task<void> child);
  void cancel() noexcept { cancellation_.cancel(); }
  bool cancelled() const noexcept { return cancellation_.cancelled(); }
  std::size_t running() const noexcept { return running_; }
  cancel_source& cancellation() noexcept { return cancellation_; }

  /// Waits until every child has ended, whatever is cancelled meanwhile; then the scope may be used again or ended.
  task<void> join();

 private:
  struct child;
  void ended(child& which) noexcept;
  static void collect(work& self) noexcept;

  executor& executor_;
  cancel_source cancellation_;
  std::size_t running_ = 0;
  std::exception_ptr first_failure_;
  wait_queue joining_;
  intrusive_list<list_node> children_;
};

}  // namespace hale
