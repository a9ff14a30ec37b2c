// What tests of the oracles share: small clusters, short runs, and the hunt for a seed on which a mistake is caught.
// A canary is a mistake put in on purpose: an oracle that does not see it would not see the like of it in hale either.
#pragma once

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hale/sim/run/cluster_run.hpp"

namespace canary {

using namespace std::chrono_literals;

constexpr std::uint64_t most_seeds = 1000;

/// `count` servers with ports and a health page, restarted as by default.
inline hale::service_spec servers(std::string name, std::size_t count, std::uint16_t base_port) {
  hale::service_spec service;
  service.name = name;
  service.command = {"server", "--port", "{port}"};
  service.base_port = base_port;
  service.health = hale::probe_spec();
  for (std::size_t at = 0; at < count; ++at) {
    const std::string suffix = count == 1 ? "" : "-" + std::to_string(at + 1);
    service.instances.push_back({name + suffix, static_cast<std::uint16_t>(base_port + 10 * (at + 1))});
  }
  return service;
}

inline hale::cluster_spec cluster_of(std::vector<hale::service_spec> services) {
  hale::cluster_spec cluster;
  cluster.name = "canary";
  cluster.services = std::move(services);
  return cluster;
}

/// A run with just these faults, and nobody who sends requests.
inline hale::sim::run_options short_run(hale::cluster_spec cluster, std::vector<hale::sim::fault_kind> faults,
                                        hale::duration length = 15min) {
  hale::sim::run_options options;
  options.spec = std::move(cluster);
  options.length = length;
  options.faults = std::move(faults);
  options.traffic = false;
  return options;
}

struct hunt {
  std::uint64_t seed = 0;  ///< on which that oracle was the one that was violated; 0: on none
  std::string what;        ///< in its words
  std::string others;      ///< what others were violated before
};

/// Runs seed after seed until oracle `number` condemns.
inline hunt seeds_until(int number, const hale::sim::run_options& options, std::uint64_t limit = most_seeds) {
  hunt found;
  for (std::uint64_t seed = 1; seed <= limit; ++seed) {
    hale::sim::seed_driver driver(seed);
    const hale::sim::run_report seen = hale::sim::run_cluster(options, driver);
    if (!seen.verdict) continue;
    if (seen.verdict->oracle == number) {
      found.seed = seed;
      found.what = seen.verdict->what;
      return found;
    }
    found.others = std::to_string(seen.verdict->oracle) + " " + seen.verdict->name + ": " + seen.verdict->what;
  }
  return found;
}

/// With `plant` the oracle condemns on one of a thousand seeds, and on the same seeds without it nobody does.
inline void check_caught(int number, const hale::sim::run_options& options,
                         const std::function<void(hale::sim::stage_options&)>& plant) {
  hale::sim::run_options planted = options;
  planted.adjust = [&](hale::sim::stage_options& stage) {
    if (options.adjust) options.adjust(stage);
    plant(stage);
  };
  const hunt found = seeds_until(number, planted);
  BOOST_TEST_INFO("otherwise: " << found.others);
  BOOST_TEST_REQUIRE(found.seed > 0, "oracle " << number << " has not seen the planted bug");
  BOOST_TEST_MESSAGE("oracle " << number << " on seed " << found.seed << ": " << found.what);
  for (std::uint64_t seed = 1; seed <= found.seed; ++seed) {
    hale::sim::seed_driver driver(seed);
    const hale::sim::run_report seen = hale::sim::run_cluster(options, driver);
    const std::string verdict = seen.verdict ? seen.verdict->name + ": " + seen.verdict->what : std::string();
    BOOST_TEST(verdict == "", "seed " << seed << " without the planted bug: " << verdict);
  }
}

}  // namespace canary
