// Every run of these tests is made with the traps set, so that each is also a proof that nothing asked the machine.
#pragma once

#include "determinism/traps.h"
#include "hale/sim/run/cluster_run.hpp"

namespace determinism {

class traps {
 public:
  traps() noexcept { hale_traps_set = 1; }
  traps(const traps&) = delete;
  traps& operator=(const traps&) = delete;
  ~traps() { hale_traps_set = 0; }
};

inline hale::sim::run_report trapped_run(const hale::sim::run_options& options, hale::sim::choice_driver& driver,
                                         hale::sim::tape* record = nullptr) {
  const traps set;
  return hale::sim::run_cluster(options, driver, record);
}

}  // namespace determinism
