// What one run or many came to, as it is reported: numbers over all of them, and every failure with what repeats it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hale/sim/run/cluster_run.hpp"

namespace hale::sim {

struct run_failure {
  std::uint64_t seed = 0;
  int number = 0;                ///< of the oracle; 0: the simulation itself broke
  std::string name;              ///< of the oracle; "crash"
  std::string what;
  std::optional<duration> at;    ///< simulated
  std::string tape;              ///< its path; empty: none was written
  std::uint64_t tape_choices = 0;  ///< in it that are not the harmless ones
  std::uint64_t shrink_runs = 0;   ///< 0: the tape is as it was recorded
  std::string replay;            ///< the command that runs it again
};

struct run_summary {
  std::string cluster;
  std::uint64_t instances = 0;
  std::string tape;                   ///< what was replayed; empty: runs were made from seeds
  std::optional<std::uint64_t> seed;  ///< the first; unknown for some tapes
  std::uint64_t wanted = 1;           ///< runs
  std::uint64_t runs = 0;             ///< that came to an end, well or not
  bool interrupted = false;

  duration simulated{};
  std::uint64_t steps = 0;
  std::uint64_t availability_ppm = 0;  ///< the mean over all simulated time
  std::vector<duration> detections;    ///< ascending, as all times here
  std::vector<duration> recoveries;
  std::uint64_t restarts = 0;
  std::uint64_t alerts = 0;
  std::vector<oracle_count> oracles;   ///< by number
  std::vector<fault_count> faults;     ///< in the order of the catalogue
  std::vector<run_failure> failures;   ///< by seed
  std::optional<std::uint64_t> trace;  ///< of the only run

  /// Counts one run; its verdict is the caller's to add.
  void add(const run_report& seen);
};

/// The nearest rank. REQUIRES: ascending, not empty, 0 < percent <= 100.
duration percentile(const std::vector<duration>& ascending, std::uint32_t percent);

}  // namespace hale::sim
