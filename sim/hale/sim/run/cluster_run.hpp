// One run of a cluster from its first second to its last: it comes up, chaos, a core is healed while all else stays
// broken, quiet, the end. The same options and the same choices give the same run.
//
//     seed_driver driver(42);
//     const run_report seen = run_cluster(options, driver);
//     if (seen.verdict) fmt::print("{}: {}\n", seen.verdict->name, seen.verdict->what);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hale/heal/spec.hpp"
#include "hale/sim/core/choice.hpp"
#include "hale/sim/oracle/oracle.hpp"
#include "hale/sim/run/timeline.hpp"

namespace hale::sim {

struct run_options {
  run_options() = default;

  cluster_spec spec;
  duration length = std::chrono::hours(1);  ///< at least; healing and stopping take the time they take
  std::uint32_t quiet_after_percent = 90;   ///< of the length: when chaos ends
  /// Without a value: the default faults, drawn anew for each run. Otherwise just these, none of them left out.
  std::optional<std::vector<fault_kind>> faults;
  std::optional<bool> traffic;       ///< clients send requests; without a value it is drawn
  bool keep_timeline = false;
  trace* check_against = nullptr;    ///< a trace that kept every step: this run is compared with it
  trace* keep_steps = nullptr;       ///< takes the trace of this run, with every step

  /// What else happens; runs from the beginning of chaos, on a node of its own that goes by the machine's clock.
  std::function<task<void>(stage&, injector&)> scenario;
  /// Oracles of one's own, beside hale's.
  std::function<void(judge&)> more_oracles;
  /// hale's own oracles watch, too.
  bool with_oracles = true;
  /// For planting mistakes, see stage_options.
  std::function<void(stage_options&)> adjust;
};

struct oracle_count {
  int number = 0;
  std::string name;
  std::uint64_t premises = 0;
};

struct fault_count {
  fault_kind kind{};
  std::uint64_t count = 0;
};

struct run_report {
  std::optional<violation> verdict;
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  std::uint64_t draws = 0;
  duration length{};                     ///< simulated
  std::uint64_t availability_ppm = 0;    ///< from the beginning of chaos to the end of quiet
  std::vector<duration> detections;      ///< unordered
  std::vector<duration> recoveries;
  std::uint64_t restarts = 0;
  std::uint64_t alerts = 0;
  std::vector<oracle_count> oracles;
  std::vector<fault_count> faults;       ///< those that came
  std::uint64_t first_difference = 0;    ///< from check_against; 0: none
  std::optional<hale::sim::timeline> picture;
};

/// `record`, if any, takes the tape.
run_report run_cluster(const run_options& options, choice_driver& driver, tape* record = nullptr);

}  // namespace hale::sim
