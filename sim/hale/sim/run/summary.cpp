#include "hale/sim/run/summary.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace hale::sim {
namespace {

void merge(std::vector<duration>& into, std::vector<duration> more) {
  std::sort(more.begin(), more.end());
  std::vector<duration> both;
  both.reserve(into.size() + more.size());
  std::merge(into.begin(), into.end(), more.begin(), more.end(), std::back_inserter(both));
  into = std::move(both);
}

/// The mean of two shares, each weighted by its time.
std::uint64_t mean(std::uint64_t ppm, duration over, std::uint64_t other_ppm, duration other) {
  const auto here = static_cast<std::uint64_t>(over / std::chrono::milliseconds(1));
  const auto there = static_cast<std::uint64_t>(other / std::chrono::milliseconds(1));
  if (here + there == 0) return other_ppm;
  __extension__ using wide = unsigned __int128;
  const wide sum = static_cast<wide>(ppm) * here + static_cast<wide>(other_ppm) * there;
  return static_cast<std::uint64_t>(sum / (here + there));
}

template <class Count, class Key>
void tally(std::vector<Count>& into, const std::vector<Count>& more, std::uint64_t Count::*number, Key key) {
  for (const Count& one : more) {
    const auto place = std::lower_bound(into.begin(), into.end(), one,
                                        [&](const Count& a, const Count& b) { return key(a) < key(b); });
    if (place != into.end() && key(*place) == key(one)) {
      (*place).*number += one.*number;
    } else {
      into.insert(place, one);
    }
  }
}

}  // namespace

void run_summary::add(const run_report& seen) {
  availability_ppm = mean(availability_ppm, simulated, seen.availability_ppm, seen.length);
  ++runs;
  simulated += seen.length;
  steps += seen.steps;
  restarts += seen.restarts;
  alerts += seen.alerts;
  merge(detections, seen.detections);
  merge(recoveries, seen.recoveries);
  tally(oracles, seen.oracles, &oracle_count::premises, [](const oracle_count& one) { return one.number; });
  tally(faults, seen.faults, &fault_count::count, [](const fault_count& one) { return one.kind; });
  trace = runs == 1 ? std::optional(seen.hash) : std::nullopt;
}

duration percentile(const std::vector<duration>& ascending, std::uint32_t percent) {
  assert(!ascending.empty() && percent > 0 && percent <= 100);
  return ascending[(ascending.size() * percent + 99) / 100 - 1];
}

}  // namespace hale::sim
