// Draining: once closed, nothing new may enter, and `close()` waits until all that had entered have left.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>

#include "hale/async/wait_queue.hpp"

namespace hale {

class gate {
 public:
  ~gate() { assert(inside_ == 0 && "gate destroyed with somebody inside"); }

  class pass {
   public:
    pass() noexcept = default;
    pass(pass&& other) noexcept : through_(std::exchange(other.through_, nullptr)) {}
    pass& operator=(pass&& other) noexcept {
      std::swap(through_, other.through_);
      return *this;
    }
    ~pass() {
      if (through_ != nullptr) through_->leave();
    }
    /// False where the gate was closed already.
    explicit operator bool() const noexcept { return through_ != nullptr; }

   private:
    friend class gate;
    explicit pass(gate& through) noexcept : through_(&through) {}
    gate* through_ = nullptr;
  };

  pass enter() noexcept {
    if (closed_) return {};
    ++inside_;
    return pass(*this);
  }
  bool closed() const noexcept { return closed_; }
  std::size_t inside() const noexcept { return inside_; }
  /// Success when all have left; errc::timed_out or errc::cancelled otherwise: the gate stays closed.
  queue_operation close(deadline limit = deadline::never()) noexcept {
    closed_ = true;
    return {drained_, inside_ == 0, limit};
  }

 private:
  void leave() noexcept {
    if (--inside_ == 0 && closed_) drained_.wake_all();
  }
  bool closed_ = false;
  std::size_t inside_ = 0;
  wait_queue drained_;
};

}  // namespace hale
