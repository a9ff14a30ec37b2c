#include "hale/async/scope.hpp"

namespace hale {

// Lives from spawn() until the step after its coroutine's end: a coroutine cannot be destroyed from inside itself.
struct scope::child final : list_node, completion {
  struct step : work {
    step(work::function run, child& self) noexcept : work(run), owner(self) {}
    child& owner;
  };

  child(scope& parent, task<void> body) noexcept
      : parent_(parent), body_(std::move(body)), beginning_(&start, *this), ending_(&collect, *this) {}

  static void start(work& self) noexcept { static_cast<step&>(self).owner.body_.resume(); }
  void finished() noexcept override { parent_.ended(*this); }

  scope& parent_;
  task<void> body_;
  step beginning_;
  step ending_;
};

scope::~scope() {
  assert((running_ == 0 || executor_.closing()) && "scope ended before its children were joined");
  children_.for_each([](list_node& node) { delete static_cast<child*>(&node); });
}

void scope::spawn(task<void> body) {
  auto* added = new child(*this, std::move(body));
  added->body_.prepare(context{&executor_, &cancellation_}, *added);
  children_.push_back(*added);
  ++running_;
  executor_.post(added->beginning_);
}

void scope::ended(child& which) noexcept {
  try {
    which.body_.take();
  } catch (...) {
    if (!first_failure_) first_failure_ = std::current_exception();
    cancellation_.cancel();
  }
  executor_.post(which.ending_);
}

void scope::collect(work& self) noexcept {
  child& which = static_cast<child::step&>(self).owner;
  scope& parent = which.parent_;
  delete &which;
  if (--parent.running_ == 0) parent.joining_.wake_all();
}

task<void> scope::join() {
  while (running_ > 0) {
    task<void> waiting = [](scope& self) -> task<void> {
      co_await queue_operation(self.joining_, false, deadline::never());
    }(*this);
    co_await shielded(std::move(waiting));
  }
  if (first_failure_) std::rethrow_exception(std::exchange(first_failure_, nullptr));
}

}  // namespace hale
