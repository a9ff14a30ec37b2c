#include "hale/sim/run/program_run.hpp"

#include <boost/test/unit_test.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "hale/async/scope.hpp"
#include "hale/async/trigger.hpp"
#include "hale/heal/supervisor.hpp"

using namespace hale;
using std::chrono::hours;

namespace {

cluster_spec one_server() {
  service_spec llama;
  llama.name = "llama";
  llama.command = {"llama-server"};
  llama.instances.push_back(instance_spec{"llama", 8080});
  llama.health.emplace();
  cluster_spec spec;
  spec.services.push_back(llama);
  return spec;
}

struct keeps_states final : event_sink {
  std::vector<std::string> seen;
  void on_event(const event& what) noexcept override {
    if (what.kind == event_kind::state) seen.push_back(what.to);
  }
};

task<int> supervise_for_hours(world& here, keeps_states& states) {
  supervisor cluster(here, one_server());
  cluster.subscribe(states);
  const context now = co_await this_context();
  scope beside(now);
  beside.spawn(cluster.run());
  co_await here.clock.sleep_for(hours(3));
  const int serving = static_cast<int>(cluster.status().services.front().serving);
  cluster.request_stop("that was long enough");
  co_await beside.join();
  co_return serving;
}

task<int> wait_for_nothing() {
  trigger never;
  co_await never.wait();
  co_return 0;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_program_runs_to_its_end_while_time_jumps) {
  const int number = sim::run(1, [](world& here) -> task<int> {
    const instant begun = here.clock.now();
    co_await here.clock.sleep_for(hours(24 * 365));
    co_return here.clock.now() - begun == hours(24 * 365) ? 7 : 0;
  });
  BOOST_TEST(number == 7);
}

BOOST_AUTO_TEST_CASE(a_supervisor_finds_a_model_server_behind_any_command) {
  keeps_states states;
  BOOST_TEST(sim::run(42, [&](world& here) { return supervise_for_hours(here, states); }) == 1);
  BOOST_REQUIRE(!states.seen.empty());
  BOOST_TEST(states.seen.back() == "stopped");
}

BOOST_AUTO_TEST_CASE(what_the_program_throws_comes_out) {
  const auto throwing = [](world&) -> task<int> {
    throw std::invalid_argument("mine");
    co_return 0;
  };
  BOOST_CHECK_THROW(sim::run(1, throwing), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_program_that_waits_for_ever_is_told_so) {
  BOOST_CHECK_THROW(sim::run(1, [](world&) { return wait_for_nothing(); }), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_program_in_whose_world_time_stands_still_is_told_so) {
  const auto spinning = [](world&) -> task<int> {
    for (;;) co_await yield();
    co_return 0;
  };
  BOOST_CHECK_THROW(sim::run(1, spinning), std::runtime_error);
}
