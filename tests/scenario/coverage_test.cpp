// That a handful of runs is no empty show: every fault strikes, every oracle has something to judge, every edge of the
// lifecycle is taken. A growing list of exceptions here would be a mistake of the simulator.
#include "canary.hpp"

#include <map>
#include <memory>
#include <set>

#include "hale/policy/lifecycle.hpp"
#include "hale/sim/oracle/oracle.hpp"

using namespace canary;

namespace {

hale::cluster_spec everything() {
  hale::service_spec model = servers("model", 3, 8000);
  model.heartbeat.emplace();
  model.memory.limit_bytes = std::uint64_t{8} << 30;
  hale::service_spec base = servers("base", 1, 9000);
  base.health->type = hale::probe_spec::kind::tcp;
  hale::service_spec app = servers("app", 2, 9100);
  app.needs = {"base"};
  app.health->type = hale::probe_spec::kind::exec;
  app.health->exec_argv = {"check"};
  hale::service_spec job = servers("job", 1, 9200);
  job.restart.policy = hale::restart_when::on_failure;
  return cluster_of({model, base, app, job});
}

using edge = std::pair<std::string, std::string>;

class collects_edges final : public hale::sim::oracle {
 public:
  explicit collects_edges(std::set<edge>& into) : oracle(100, "collects_edges", "none"), edges_(into) {}
  void on_event(const hale::event& what) noexcept override {
    premise();
    if (what.kind == hale::event_kind::state) edges_.emplace(what.from, what.to);
  }

 private:
  std::set<edge>& edges_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_fault_strikes_every_oracle_judges_and_every_edge_is_taken) {
  std::map<std::string, std::uint64_t> premises;
  std::map<hale::sim::fault_kind, std::uint64_t> faults;
  std::set<edge> edges;
  hale::sim::run_options options;
  options.length = 30min;
  options.more_oracles = [&](hale::sim::judge& to) { to.add(std::make_unique<collects_edges>(edges)); };
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    // How fast illness is noticed is judged only where every probe can see it.
    options.spec = seed % 4 == 0 ? cluster_of({servers("model", 5, 8000)}) : everything();
    hale::sim::seed_driver driver(seed);
    const hale::sim::run_report seen = hale::sim::run_cluster(options, driver);
    BOOST_TEST(!seen.verdict, "seed " << seed << ": " << (seen.verdict ? seen.verdict->what : ""));
    for (const auto& one : seen.oracles) premises[one.name] += one.premises;
    for (const auto& one : seen.faults) faults[one.kind] += one.count;
  }
  for (const hale::sim::fault_kind kind : hale::sim::default_faults()) {
    BOOST_TEST(faults[kind] > 0, hale::sim::describe(kind).name << " never struck");
  }
  for (const auto& [name, count] : premises) BOOST_TEST(count > 0, name << " had nothing to judge");
  for (int from = 0; from <= static_cast<int>(hale::instance_state::finished); ++from) {
    for (int to = 0; to <= static_cast<int>(hale::instance_state::finished); ++to) {
      const auto left = static_cast<hale::instance_state>(from);
      const auto entered = static_cast<hale::instance_state>(to);
      if (!hale::is_legal(left, entered)) continue;
      const edge one(hale::to_string(left), hale::to_string(entered));
      BOOST_TEST(edges.contains(one), "never from " << one.first << " to " << one.second);
    }
  }
}
