// How fast the simulator is: the bare scheduler against a heap that only counts (the floor), a ten-instance cluster
// under default faults, a thousand instances on fifty machines.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "hale/sim/run/cluster_run.hpp"

namespace {

using namespace hale;
using namespace hale::sim;

/// Processor time: who else runs on the machine counts for little.
double seconds_of(const std::function<void()>& what) {
  const std::clock_t begun = std::clock();
  what();
  return static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
}

double best_of(int times, const std::function<void()>& what) {
  double best = seconds_of(what);
  for (int n = 1; n < times; ++n) best = std::min(best, seconds_of(what));
  return best;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t whole = 0;
  std::size_t resident = 0;
  file >> whole >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

task<void> sleep_loop(duration pause, std::uint64_t& events) {
  instant next{};
  for (;;) {
    next += pause;
    co_await sleep_until(next);
    ++events;
  }
}

void bare_scheduler() {
  constexpr int coroutines = 1000;
  constexpr std::uint64_t wanted = 5'000'000;
  std::uint64_t events = 0;
  const double taken = best_of(3, [&] {
    events = 0;
    seed_driver driver(1);
    choices chance(driver);
    trace record;
    scheduler time(chance, record);
    node& one = time.add_node("one");
    for (int n = 0; n < coroutines; ++n) one.start(sleep_loop(std::chrono::microseconds(1000 + n), events));
    for (instant until{}; events < wanted;) time.run_until(until += std::chrono::seconds(1));
  });
  // The floor: the same number of steps through the cheapest thing that does the same, a heap of due times.
  std::uint64_t popped = 0;
  const double floor = best_of(3, [&] {
    popped = 0;
    std::vector<std::pair<std::int64_t, int>> heap;
    for (int n = 0; n < coroutines; ++n) heap.emplace_back(-(1000 + n), n);
    std::make_heap(heap.begin(), heap.end());
    for (; popped < events; ++popped) {
      std::pop_heap(heap.begin(), heap.end());
      heap.back().first -= 1000 + heap.back().second;
      std::push_heap(heap.begin(), heap.end());
    }
  });
  std::printf("scheduler     %6.1f ns an event, a bare heap %5.1f ns: %.2f times the floor (aim: 100 ns)\n",
              1e9 * taken / static_cast<double>(events), 1e9 * floor / static_cast<double>(popped), taken / floor);

  constexpr int many = 200'000;
  seed_driver driver(1);
  choices chance(driver);
  trace record;
  scheduler time(chance, record);
  node& one = time.add_node("one");
  const std::size_t before = resident_bytes();
  for (int n = 0; n < many; ++n) one.start(sleep_loop(std::chrono::seconds(1 + n), events));
  time.run_until(instant(std::chrono::milliseconds(1)));
  std::printf("coroutine     %6.1f bytes each while suspended, timer and root included (aim: 400)\n",
              static_cast<double>(resident_bytes() - before) / many);
}

cluster_spec cluster_of(std::uint32_t instances) {
  cluster_spec cluster;
  cluster.name = "bench";
  cluster.start_concurrency = instances;
  service_spec service;
  service.name = "llama";
  service.command = {"server"};
  service.health.emplace();
  for (std::uint32_t n = 1; n <= instances; ++n) {
    service.instances.push_back(instance_spec{"llama-" + std::to_string(n), static_cast<std::uint16_t>(8000 + n)});
  }
  cluster.services.push_back(service);
  return cluster;
}

void ten_instances(bool with_faults) {
  run_options options;
  options.spec = cluster_of(10);
  options.length = std::chrono::hours(4);
  if (!with_faults) options.faults.emplace();
  double simulated = 0;
  double taken = 0;
  std::uint64_t steps = 0;
  std::uint64_t restarts = 0;
  std::string verdicts;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    run_report seen;
    taken += seconds_of([&] {
      seed_driver driver(seed);
      seen = run_cluster(options, driver);
    });
    simulated += std::chrono::duration<double>(seen.length).count();
    steps += seen.steps;
    restarts += seen.restarts;
    if (!seen.verdict) continue;
    verdicts += " seed " + std::to_string(seed) + " " + seen.verdict->name + ": " + seen.verdict->what;
  }
  std::printf("10 instances  %6.0f simulated seconds a second, %s (%.0f ns a step, %.1f steps and %.3f restarts "
              "a simulated second; aim: 10,000)%s\n",
              simulated / taken, with_faults ? "default faults" : "no faults", 1e9 * taken / static_cast<double>(steps),
              static_cast<double>(steps) / simulated, static_cast<double>(restarts) / simulated, verdicts.c_str());
}

/// Fifty machines, each with a supervisor of its own, on one network and in one time.
void thousand_instances() {
  seed_driver driver(1);
  choices chance(driver);
  trace record;
  site everywhere(chance, record);
  std::vector<std::unique_ptr<stage>> machines;
  std::vector<std::unique_ptr<injector>> hands;
  for (int n = 0; n < 50; ++n) {
    stage_options options;
    options.machine.name = "machine-" + std::to_string(n);
    machines.push_back(std::make_unique<stage>(everywhere, cluster_of(20), options));
    hands.push_back(std::make_unique<injector>(*machines.back(), draw_plan(chance, default_faults())));
    machines.back()->raise();
    hands.back()->start();
  }
  const double taken = seconds_of([&] { everywhere.time().run_until(instant(std::chrono::hours(1))); });
  std::printf("1,000 on 50   %6.1f s for a simulated hour, %.1f million steps (aim: 60 s)\n", taken,
              static_cast<double>(everywhere.time().steps()) / 1e6);
  hands.clear();
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  bare_scheduler();
  ten_instances(false);
  ten_instances(true);
  thousand_instances();
}
