// How a process ended.
#pragma once

#include <variant>

namespace hale {

struct exited {
  int code = 0;
  friend bool operator==(const exited&, const exited&) = default;
};
struct signalled {
  int signal = 0;
  bool core_dumped = false;
  friend bool operator==(const signalled&, const signalled&) = default;
};
/// It ended, and the kernel will not tell how.
struct lost {
  friend bool operator==(const lost&, const lost&) = default;
};
using exit_status = std::variant<exited, signalled, lost>;

}  // namespace hale
