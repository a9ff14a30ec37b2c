// A doubly linked list whose nodes live inside the things it lists and unlink themselves when destroyed. Waiting
// coroutines hang on these lists, so destroying a suspended coroutine at any moment leaves no dangling entry behind.
#pragma once

#include <cassert>

namespace hale {

class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;
  ~list_node() { unlink(); }

  bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <class T>
  friend class intrusive_list;
  list_node* previous_ = this;
  list_node* next_ = this;
};

/// REQUIRES: T derives from list_node exactly once. FIFO when used with push_back and pop_front.
template <class T>
class intrusive_list {
 public:
  intrusive_list() = default;
  ~intrusive_list() {
    while (!empty()) head_.next_->unlink();
  }

  bool empty() const noexcept { return !head_.linked(); }
  T& front() noexcept { assert(!empty()); return static_cast<T&>(*head_.next_); }

  /// REQUIRES: !node.linked()
  void push_back(T& item) noexcept {
    list_node& node = item;
    assert(!node.linked());
    node.previous_ = head_.previous_;
    node.next_ = &head_;
    head_.previous_->next_ = &node;
    head_.previous_ = &node;
  }

  T& pop_front() noexcept {
    T& item = front();
    static_cast<list_node&>(item).unlink();
    return item;
  }

  /// Calls visit(T&) for each item in order. The visitor may unlink the item it is given, and no other.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (list_node* at = head_.next_; at != &head_;) {
      list_node* next = at->next_;
      visit(static_cast<T&>(*at));
      at = next;
    }
  }

 private:
  list_node head_;
};

}  // namespace hale
