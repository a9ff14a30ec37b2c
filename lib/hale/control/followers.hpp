// Those who follow a stream of the control API: how many there may be, and the way to end them all in good order, each
// with everything that has happened so far.
#pragma once

#include <cstddef>

#include "hale/async/cancellation.hpp"
#include "hale/async/wait_queue.hpp"
#include "hale/base/intrusive_list.hpp"

namespace hale {

/// Outlives its places.
class followers {
 public:
  explicit followers(std::size_t most) noexcept : most_(most) {}

  /// One follower's place. False when there was none left. Its waits run under `end()`, which is cancelled with the
  /// follower's own coroutine and when the followers are ended.
  class place : list_node {
   public:
    place(followers& among, cancel_source* own) noexcept;
    ~place();
    explicit operator bool() const noexcept { return granted_; }
    cancel_source& end() noexcept { return end_; }
    /// The followers are being ended: nothing more is to be waited for.
    bool ended() const noexcept { return among_.ending_; }

   private:
    friend class followers;
    friend class intrusive_list<place>;
    followers& among_;
    cancel_source end_;
    bool granted_;
  };

  /// Ends all places, and every new one at once.
  void end() noexcept;
  std::size_t count() const noexcept { return count_; }
  /// Success when no place is taken; errc::timed_out or errc::cancelled otherwise.
  queue_operation drained(deadline limit) noexcept { return {drained_, count_ == 0, limit}; }

 private:
  std::size_t most_;
  std::size_t count_ = 0;
  bool ending_ = false;
  intrusive_list<place> places_;
  wait_queue drained_;
};

inline followers::place::place(followers& among, cancel_source* own) noexcept
    : among_(among), end_(own), granted_(among.count_ < among.most_) {
  if (!granted_) return;
  ++among_.count_;
  among_.places_.push_back(*this);
  if (among_.ending_) end_.cancel();
}

inline followers::place::~place() {
  if (granted_ && --among_.count_ == 0) among_.drained_.wake_all();
}

inline void followers::end() noexcept {
  ending_ = true;
  places_.for_each([](place& each) { each.end_.cancel(); });
}

}  // namespace hale
