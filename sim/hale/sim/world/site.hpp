// Where simulated machines stand: one time and one network for all of them.
#pragma once

#include "hale/sim/core/scheduler.hpp"
#include "hale/sim/world/fabric.hpp"

namespace hale::sim {

class site {
 public:
  /// Both outlive it.
  site(choices& chance, trace& record, scheduler_options steps = {}) : time_(chance, record, steps), net_(time_) {}

  scheduler& time() noexcept { return time_; }
  fabric& net() noexcept { return net_; }

 private:
  scheduler time_;
  fabric net_;
};

}  // namespace hale::sim
