// A bounded queue that forgets its oldest item when full: histories, tails of logs. It allocates as it fills.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

namespace hale {

template <class T>
class ring {
 public:
  /// REQUIRES: capacity > 0
  explicit ring(std::size_t capacity) : capacity_(capacity) { assert(capacity > 0); }

  void push(T item) {
    if (items_.size() < capacity_) {
      items_.push_back(std::move(item));
    } else {
      items_[oldest_] = std::move(item);
      oldest_ = (oldest_ + 1) % capacity_;
      ++forgotten_;
    }
  }
  void clear() noexcept {
    items_.clear();
    oldest_ = 0;
  }

  std::size_t size() const noexcept { return items_.size(); }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return items_.empty(); }
  /// How many items were pushed out so far.
  std::size_t forgotten() const noexcept { return forgotten_; }
  /// Oldest is 0.
  const T& operator[](std::size_t index) const {
    assert(index < items_.size());
    return items_[(oldest_ + index) % items_.size()];
  }
  const T& back() const { return (*this)[size() - 1]; }

 private:
  std::size_t capacity_;
  std::size_t oldest_ = 0;
  std::size_t forgotten_ = 0;
  std::vector<T> items_;
};

}  // namespace hale
