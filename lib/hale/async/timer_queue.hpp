// The timers of one executor: a four-way heap ordered by (due, order of arming), so that equal moments keep their
// order. Holds pointers to timers that live in their owners.
#pragma once

#include <cstdint>
#include <vector>

#include "hale/async/executor.hpp"

namespace hale {

class timer_queue {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }
  /// REQUIRES: !empty()
  instant next_due() const noexcept { return heap_.front().due; }

  void insert(timer& item, instant due);
  void erase(timer& item) noexcept;
  /// Takes the earliest timer out and calls its function. REQUIRES: !empty()
  void expire_next() noexcept;

 private:
  struct entry {
    instant due;
    std::uint64_t sequence;
    timer* item;
    bool before(const entry& other) const noexcept {
      return due != other.due ? due < other.due : sequence < other.sequence;
    }
  };
  void place(std::size_t slot, const entry& what) noexcept;
  void sift_up(std::size_t slot, entry moving) noexcept;
  void sift_down(std::size_t slot, entry moving) noexcept;

  std::vector<entry> heap_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace hale
