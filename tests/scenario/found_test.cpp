// What simulations have found wrong with hale, each as the shortest run that shows it.
#include "canary.hpp"

using namespace canary;
using hale::sim::fault_kind;

namespace {

std::string verdict_of(const hale::sim::run_options& options, std::uint64_t seed) {
  hale::sim::seed_driver driver(seed);
  const hale::sim::run_report seen = hale::sim::run_cluster(options, driver);
  return seen.verdict ? seen.verdict->name + ": " + seen.verdict->what : std::string();
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_falls_while_those_who_need_it_are_being_stopped_stays_down) {
  hale::service_spec app = servers("app", 1, 9000);
  app.needs = {"base"};
  auto options = short_run(cluster_of({servers("base", 1, 8000), app}), {}, 3min);
  options.scenario = [](hale::sim::stage& play, hale::sim::injector& faults) -> hale::task<void> {
    faults.inject(fault_kind::ignore_term, "app", 1h);
    faults.inject(fault_kind::crash, "app", hale::duration::zero());
    while (!play.supervisor()->stopping()) co_await play.place().clock().sleep_for(1s);
    faults.inject(fault_kind::crash, "base", hale::duration::zero());
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) BOOST_TEST(verdict_of(options, seed) == "");
}
