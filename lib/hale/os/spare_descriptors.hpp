// Descriptors kept back for the moment when there are none: who lives is read from files, and what cannot be read for
// want of a descriptor would look dead.
#pragma once

#include <fcntl.h>

#include <array>

#include "hale/os/unique_fd.hpp"

namespace hale::os {

class spare_descriptors {
 public:
  spare_descriptors() noexcept { keep(); }

  /// While it lives, a few descriptors can be opened even where the table is full. One at a time.
  class loan {
   public:
    explicit loan(spare_descriptors& from) noexcept : from_(from) {
      const unique_fd probe(::fcntl(from.kept_[0] ? from.kept_[0].get() : 0, F_DUPFD_CLOEXEC, 0));
      if (!probe) from_.release();
    }
    ~loan() { from_.keep(); }
    loan(const loan&) = delete;
    loan& operator=(const loan&) = delete;

   private:
    spare_descriptors& from_;
  };

 private:
  void keep() noexcept {
    for (unique_fd& one : kept_) {
      if (!one) one = unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
  }
  void release() noexcept {
    for (unique_fd& one : kept_) one.reset();
  }

  std::array<unique_fd, 3> kept_;
};

}  // namespace hale::os
