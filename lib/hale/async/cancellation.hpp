// Cancellation is a value: a source is cancelled once, every wait under it ends with errc::cancelled, and every later
// wait under it does so at once. Clean-up that must itself wait runs under shielded() (task.hpp).
#pragma once

#include "hale/base/intrusive_list.hpp"

namespace hale {

/// One registration with a source; `fired` is called at most once, when the source is cancelled.
class cancel_hook : public list_node {
 public:
  using function = void (*)(cancel_hook&) noexcept;
  explicit cancel_hook(function fired) noexcept : fired_(fired) {}

 private:
  friend class cancel_source;
  function fired_;
};

class cancel_source {
 public:
  cancel_source() noexcept : parent_hook_(*this) {}
  /// Is cancelled with `parent` (which may be null, and must outlive this), and on its own.
  explicit cancel_source(cancel_source* parent) noexcept : cancel_source() {
    if (parent == nullptr) return;
    if (parent->cancelled_) {
      cancelled_ = true;
    } else {
      parent->hooks_.push_back(parent_hook_);
    }
  }

  bool cancelled() const noexcept { return cancelled_; }
  void cancel() noexcept {
    if (cancelled_) return;
    cancelled_ = true;
    parent_hook_.unlink();
    while (!hooks_.empty()) {
      cancel_hook& hook = hooks_.pop_front();
      hook.fired_(hook);
    }
  }
  /// REQUIRES: !cancelled() && !hook.linked()
  void attach(cancel_hook& hook) noexcept { hooks_.push_back(hook); }

 private:
  struct parent_link : cancel_hook {
    explicit parent_link(cancel_source& self) noexcept
        : cancel_hook([](cancel_hook& hook) noexcept { static_cast<parent_link&>(hook).self_.cancel(); }), self_(self) {}
    cancel_source& self_;
  };

  bool cancelled_ = false;
  parent_link parent_hook_;
  intrusive_list<cancel_hook> hooks_;
};

}  // namespace hale
