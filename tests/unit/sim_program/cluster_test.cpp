// The whole supervisor on a simulated machine.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>
#include <string>

#include "hale/heal/supervisor.hpp"
#include "hale/sim/program/cast.hpp"
#include "hale/sim/program/strangers.hpp"
#include "hale/sim/world/seat.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

cluster_spec three_servers() {
  cluster_spec cluster;
  cluster.name = "test";
  service_spec service;
  service.name = "llama";
  service.command = {"server", "--port", "{port}"};
  service.health.emplace();
  for (std::uint16_t n = 1; n <= 3; ++n) {
    service.instances.push_back(instance_spec{"llama-" + std::to_string(n), static_cast<std::uint16_t>(8000 + n)});
  }
  cluster.services.push_back(service);
  return cluster;
}

struct counts_events final : event_sink {
  std::map<std::string, int> seen;
  void on_event(const event& what) noexcept override {
    std::string key(to_string(what.kind));
    if (what.kind == event_kind::state) key += " " + what.to;
    if (what.kind == event_kind::action) key += " " + what.action + " " + std::string(to_string(*what.cause));
    if (what.kind == event_kind::exit) key += " " + std::string(to_string(*what.cause));
    ++seen[key];
  }
};

struct bed {
  explicit bed(machine_options options = {}) : place(time, net, record_truth, std::move(options)) {
    cluster.subscribe(events);
    chair.runs_on().start(cluster.run());
  }
  ~bed() { chair.runs_on().kill(); }  // coroutines first, then what they stand on
  void run_for(duration wait) { time.run_until(time.now() + wait); }
  simulated_process& leader(std::string_view name) {
    simulated_process* const found = place.find_leader(name);
    BOOST_REQUIRE(found != nullptr);
    return *found;
  }
  int serving() {
    int count = 0;
    const cluster_status shown = cluster.status();
    for (const auto& one : shown.services.front().instances) {
      count += one.state == instance_state::serving ? 1 : 0;
    }
    return count;
  }

  seed_driver driver{1};
  choices chance{driver};
  trace record;
  scheduler time{chance, record};
  fabric net{time};
  truth record_truth;
  machine place;
  cluster_spec spec = three_servers();
  cast actors{spec};
  counts_events events;
  seat chair{place, actors.loader()};
  supervisor cluster{chair.world(), spec};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_cluster_comes_up_serves_and_stops_leaving_nothing) {
  bed here;
  here.run_for(minutes(1));
  BOOST_TEST(here.serving() == 3);
  BOOST_TEST(here.place.processes().size() == 3u);
  here.cluster.request_stop("the test is over");
  here.run_for(minutes(1));
  BOOST_TEST(here.chair.runs_on().idle());
  BOOST_TEST(here.place.processes().empty());
  BOOST_TEST(here.place.memory_used() == 0u);
  BOOST_TEST(here.events.seen["alert"] == 0);
}

BOOST_AUTO_TEST_CASE(a_hung_server_whose_connections_are_accepted_is_found_and_replaced) {
  bed here;
  here.run_for(minutes(1));
  const std::uint64_t before = here.leader("llama-2").serial();
  here.actors.find("llama-2")->condition.hung = true;
  here.run_for(minutes(1));
  BOOST_TEST(here.serving() == 3);
  BOOST_TEST(here.leader("llama-2").serial() != before);
  BOOST_TEST(here.events.seen["action restart hung"] == 1);
}

BOOST_AUTO_TEST_CASE(memory_that_runs_out_kills_the_largest_and_it_is_known_why) {
  machine_options options;
  options.memory_bytes = std::uint64_t{9} << 30;
  bed here(options);
  here.run_for(minutes(1));
  server_condition& leaking = here.actors.find("llama-3")->condition;
  leaking.leak_bytes_per_second = std::uint64_t{100} << 20;
  leaking.changed.wake_all();
  here.run_for(minutes(2));
  BOOST_TEST(here.events.seen["exit oom_killed"] == 1);
  BOOST_TEST(here.serving() == 3);
}

BOOST_AUTO_TEST_CASE(a_server_that_ignores_sigterm_and_leaves_a_child_on_its_port_is_cleared_away) {
  bed here;
  here.actors.find("llama-1")->condition.ignores_term = true;
  here.actors.find("llama-1")->condition.leaves_grandchild = true;
  here.run_for(minutes(1));
  here.place.deliver(here.leader("llama-1"), SIGSEGV);
  here.run_for(minutes(1));
  BOOST_TEST(here.serving() == 3);
  BOOST_TEST(here.events.seen["exit crash"] == 1);
  here.cluster.request_stop("over");
  here.run_for(minutes(2));
  BOOST_TEST(here.place.processes().empty());
}

BOOST_AUTO_TEST_CASE(a_stranger_on_the_port_is_waited_for) {
  bed here;
  here.run_for(minutes(1));
  here.place.spawn(process_spec(), port_thief(8002, false, minutes(3)));
  here.place.deliver(here.leader("llama-2"), SIGKILL);
  here.run_for(minutes(1));
  BOOST_TEST(here.serving() == 2);
  here.run_for(minutes(5));
  BOOST_TEST(here.serving() == 3);
}
