// Death at every step: of the supervisor, with all its coroutines wherever they wait, and of a server. Under the
// sanitizers this is the test of teardown; there it takes samples.
#include <boost/test/unit_test.hpp>
#include <csignal>

#include "hale/heal/supervisor.hpp"
#include "hale/sim/program/cast.hpp"
#include "hale/sim/world/seat.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif
constexpr std::uint64_t every_step = sanitized ? 7 : 1;
constexpr std::uint64_t now_and_then = sanitized ? 31 : 7;  // where each run goes on for long

cluster_spec two_servers() {
  cluster_spec cluster;
  service_spec service;
  service.name = "llama";
  service.command = {"server", "--port", "{port}"};
  service.health.emplace();
  service.health->interval = seconds(1);
  service.health->timeout = milliseconds(500);
  service.health->failures = 2;
  service.start.stall = seconds(3);
  service.stop.timeout = seconds(1);
  service.restart.backoff.base = milliseconds(500);
  service.instances = {instance_spec{"llama-1", 8001}, instance_spec{"llama-2", 8002}};
  cluster.services.push_back(service);
  return cluster;
}

/// A few seconds in which one server crashes, one hangs and ignores SIGTERM, and everything is stopped.
struct scene {
  scene() {
    options.pick_window = 4;
    time.set_options(options);
    for (auto& [name, role] : actors.roles()) {
      role.profile.load_time = seconds(1);
      role.profile.stop_time = milliseconds(20);
    }
    actors.find("llama-2")->condition.leaves_grandchild = true;
    chair.runs_on().start(cluster.run());
    hand.start(act());
  }
  ~scene() { chair.runs_on().kill(); }

  task<void> act() {
    co_await place.clock().sleep_for(seconds(3));
    if (simulated_process* const one = place.find_leader("llama-2")) place.deliver(*one, SIGSEGV);
    co_await place.clock().sleep_for(seconds(2));
    actors.find("llama-1")->condition.ignores_term = true;
    actors.find("llama-1")->condition.hung = true;
    co_await place.clock().sleep_for(seconds(6));
    if (will_stop && !chair.runs_on().killed()) cluster.request_stop("the scene is over");
  }
  /// False when the scene has no such step.
  bool run_to_step(std::uint64_t step) {
    time.on_step([this, step] {
      if (time.steps() == step) time.halt();
    });
    const bool reached = time.run_until(instant(seconds(15))) == run_end::halted;
    time.on_step({});
    return reached;
  }
  void run_for(duration wait) { time.run_until(time.now() + wait); }
  int serving() const {
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
  scheduler_options options;
  scheduler time{chance, record};
  fabric net{time};
  truth record_truth;
  cluster_spec spec = two_servers();
  cast actors{spec};
  machine place{time, net, record_truth};
  node& hand{time.add_node("hand", &place.clock())};
  bool will_stop = true;
  seat chair{place, actors.loader()};
  supervisor cluster{chair.world(), spec};
};

task<void> kill_now(node& victim) {
  victim.kill();
  co_return;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_scene_has_what_it_is_meant_to_have) {
  scene is;
  is.run_for(seconds(5));
  BOOST_TEST(is.place.find_leader("llama-2") != nullptr);
  is.run_for(seconds(55));
  BOOST_TEST(is.chair.runs_on().idle());
  BOOST_TEST(is.place.processes().empty());
  BOOST_TEST(is.record.steps() > 500u);
  BOOST_TEST(is.cluster.status().services.front().instances.front().restarts == 1u);
  BOOST_TEST(is.cluster.status().services.front().instances.back().restarts == 1u);
}

BOOST_AUTO_TEST_CASE(a_supervisor_can_be_killed_at_every_step_and_its_servers_live_on) {
  std::uint64_t step = 1;
  for (;; step += every_step) {
    scene is;
    if (!is.run_to_step(step)) break;
    // From outside a step, and from inside one.
    if (step % 2 == 0) {
      is.chair.runs_on().kill();
    } else {
      is.hand.start(kill_now(is.chair.runs_on()));
    }
    is.run_for(duration::zero());
    BOOST_TEST_REQUIRE(is.chair.runs_on().killed());
    const bool quiet = is.time.now() < instant(seconds(2));
    const std::size_t living = is.place.processes().size();
    is.run_for(milliseconds(900));
    BOOST_TEST_REQUIRE((!quiet || is.place.processes().size() == living), "after step " << step);
    is.run_for(seconds(2));
  }
  BOOST_TEST(step > 500u);
}

BOOST_AUTO_TEST_CASE(a_server_can_be_killed_at_any_step_and_the_cluster_recovers_and_stops_cleanly) {
  std::uint64_t step = 1;
  for (;; step += now_and_then) {
    scene is;
    is.will_stop = false;
    if (!is.run_to_step(step)) break;
    if (simulated_process* const one = is.place.find_leader("llama-1")) is.place.deliver(*one, SIGKILL);
    is.run_for(seconds(30));
    BOOST_TEST_REQUIRE(is.serving() == 2, "after step " << step);
    is.cluster.request_stop("over");
    is.run_for(seconds(5));
    BOOST_TEST_REQUIRE(is.place.processes().empty(), "after step " << step);
    BOOST_TEST_REQUIRE(is.chair.runs_on().idle(), "after step " << step);
  }
  BOOST_TEST(step > 500u);
}

BOOST_AUTO_TEST_CASE(a_scene_can_be_given_up_at_every_step) {
  for (std::uint64_t step = 1;; step += now_and_then) {
    scene is;
    if (!is.run_to_step(step)) break;
    BOOST_TEST_REQUIRE(!is.chair.runs_on().killed());
  }
}
