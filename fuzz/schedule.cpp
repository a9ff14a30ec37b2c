// The choices of a whole run: which faults strike whom and when, who goes first, how long things take. Whatever they
// are, every oracle must be content. Runs are short, so that there are many.
#include <cstdio>
#include <span>
#include <string>

#include "hale/sim/run/cluster_run.hpp"
#include "kit/check.hpp"

namespace {

using namespace hale;
using namespace hale::sim;
using namespace std::chrono_literals;

cluster_spec small_cluster() {
  cluster_spec cluster;
  cluster.name = "fuzzed";
  service_spec service;
  service.name = "llama";
  service.command = {"server"};
  service.health.emplace();
  service.instances.push_back(instance_spec{"llama-1", 8001});
  service.instances.push_back(instance_spec{"llama-2", 8002});
  service_spec worker;
  worker.name = "worker";
  worker.command = {"worker"};
  worker.needs = {"llama"};
  worker.heartbeat.emplace();
  worker.instances.push_back(instance_spec{"worker", 0});
  cluster.services = {service, worker};
  return cluster;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run_options options;
  options.spec = small_cluster();
  options.length = 4min;
  bytes_driver driver(std::span<const std::uint8_t>(data, size));
  tape recorded;
  const run_report seen = run_cluster(options, driver, &recorded);
  if (seen.verdict) {
    std::fprintf(stderr, "%d %s: %s\n%s", seen.verdict->oracle, seen.verdict->name.c_str(), seen.verdict->what.c_str(),
                 recorded.to_text().c_str());
  }
  CHECK(!seen.verdict);
  return 0;
}
