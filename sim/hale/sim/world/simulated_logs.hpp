// Logs of a simulated supervisor: the newest lines of each instance, in memory.
#pragma once

#include <memory>
#include <string>

#include "hale/base/ring.hpp"
#include "hale/world/log_store.hpp"

namespace hale::sim {

class simulated_logs final : public log_store {
 public:
  static constexpr std::size_t kept_lines = 64;

  std::unique_ptr<instance_log> open(std::string_view instance, log_limits limits) override;
  /// The disk is full, or not.
  void set_full(bool full) noexcept { full_ = full; }

 private:
  class log;
  bool full_ = false;
};

}  // namespace hale::sim
