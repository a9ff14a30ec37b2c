#include "hale/record/history.hpp"

#include <cassert>
#include <utility>

#include "hale/record/packed_event.hpp"

namespace hale {
namespace {

// What one kept event costs: its own bytes, those of its string object, and the allocator's share.
std::size_t cost(const std::string& packed) noexcept { return packed.capacity() + sizeof(std::string) + 16; }

}  // namespace

history::history(history_limits limits) noexcept : limits_(limits) { assert(limits.events > 0 && limits.bytes > 0); }

void history::on_event(const event& what) noexcept {
  try {
    keep(what);
  } catch (...) {  // no memory: supervision matters more than its history
    packed_.clear();
    bytes_ = 0;
    first_ = what.sequence + 1;
  }
  readers_.wake_all();
}

void history::keep(const event& what) {
  if (what.sequence != next()) {  // subscribed late
    packed_.clear();
    bytes_ = 0;
    first_ = what.sequence;
  }
  std::string packed = pack(what);
  const std::size_t added = cost(packed);
  while (!packed_.empty() && (packed_.size() >= limits_.events || bytes_ + added > limits_.bytes)) forget_oldest();
  packed_.push_back(std::move(packed));
  bytes_ += added;
}

void history::forget_oldest() noexcept {
  bytes_ -= cost(packed_.front());
  packed_.pop_front();
  ++first_;
}

event history::at(std::uint64_t sequence) const {
  assert(sequence >= first_ && sequence < next());
  return unpack(packed_[static_cast<std::size_t>(sequence - first_)], sequence);
}

std::uint64_t history::first_since(wall_time when) const noexcept {
  std::uint64_t sequence = first_;
  for (const std::string& packed : packed_) {
    if (packed_time(packed) >= when) return sequence;
    ++sequence;
  }
  return sequence;
}

std::optional<event> history_reader::take() {
  if (next_ < history_->first()) {
    missed_ += history_->first() - next_;
    next_ = history_->first();
  }
  if (next_ >= history_->next()) return std::nullopt;
  return history_->at(next_++);
}

std::uint64_t history_reader::take_missed() noexcept { return std::exchange(missed_, 0); }

}  // namespace hale
