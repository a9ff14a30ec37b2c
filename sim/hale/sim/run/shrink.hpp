// Makes the tape of a failing run as small as it can be while the same promise stays broken: shorter, with fewer
// choices that are not the harmless ones, and those as low as possible. What is left is what it takes to fail.
//
//     shrink_limits limits;
//     const shrunk_tape least = shrink(options, recorded, verdict.oracle, limits);
#pragma once

#include <cstdint>
#include <functional>

#include "hale/sim/run/cluster_run.hpp"

namespace hale::sim {

struct shrunk_tape {
  hale::sim::tape tape;
  duration length{};            ///< of the run, as run_options::length
  std::uint64_t runs = 0;       ///< that were tried
  std::optional<violation> verdict;  ///< of the smallest; none if the first run did not fail as it was said to
};

struct shrink_limits {
  shrink_limits() = default;
  std::uint64_t max_runs = 2000;
  /// Told of every smaller tape that fails still.
  std::function<void(const shrunk_tape&)> progress;
};

/// `failing` is what a run with `options` recorded, in which oracle number `oracle` was violated.
shrunk_tape shrink(const run_options& options, const tape& failing, int oracle, const shrink_limits& limits);

}  // namespace hale::sim
