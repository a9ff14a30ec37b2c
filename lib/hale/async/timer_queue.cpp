#include "hale/async/timer_queue.hpp"

#include <cassert>

namespace hale {
namespace {
constexpr std::size_t arity = 4;
}

void timer_queue::insert(timer& item, instant due) {
  item.due_ = due;
  item.sequence_ = next_sequence_++;
  heap_.push_back(entry{});
  sift_up(heap_.size() - 1, entry{due, item.sequence_, &item});
}

void timer_queue::erase(timer& item) noexcept {
  const std::size_t slot = item.slot_;
  assert(slot < heap_.size() && heap_[slot].item == &item);
  const entry last = heap_.back();
  heap_.pop_back();
  if (slot == heap_.size()) return;
  if (slot > 0 && last.before(heap_[(slot - 1) / arity])) {
    sift_up(slot, last);
  } else {
    sift_down(slot, last);
  }
}

void timer_queue::expire_next() noexcept {
  timer& item = *heap_.front().item;
  erase(item);
  item.executor_ = nullptr;
  item.expired_(item);
}

void timer_queue::place(std::size_t slot, const entry& what) noexcept {
  heap_[slot] = what;
  what.item->slot_ = slot;
}

void timer_queue::sift_up(std::size_t slot, entry moving) noexcept {
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / arity;
    if (!moving.before(heap_[parent])) break;
    place(slot, heap_[parent]);
    slot = parent;
  }
  place(slot, moving);
}

void timer_queue::sift_down(std::size_t slot, entry moving) noexcept {
  for (;;) {
    const std::size_t first = slot * arity + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < first + arity && child < heap_.size(); ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(moving)) break;
    place(slot, heap_[least]);
    slot = least;
  }
  place(slot, moving);
}

}  // namespace hale
