// A scenario and a promise of one's own, run in the simulator: two of three servers crash at once, and the third must
// serve all the time.
#include <fmt/core.h>
#include <hale/sim/sim.hpp>

using namespace hale;
using std::chrono::minutes;

class one_always_serves final : public sim::oracle {
 public:
  explicit one_always_serves(sim::stage& play) : oracle(100, "one_always_serves", "chat-3 serves"), play_(play) {}
  void on_phase(sim::run_phase phase) override { watching_ = phase == sim::run_phase::chaos; }
  void on_event(const event&) noexcept override {
    if (!watching_) return;
    premise();
    if (play_.state_of("chat-3") != instance_state::serving) violated("chat-3 does not serve");
  }

 private:
  sim::stage& play_;
  bool watching_ = false;
};

task<void> two_crash(sim::stage& play, sim::injector& faults) {
  co_await play.place().clock().sleep_for(minutes(3));
  faults.inject(sim::fault_kind::crash, "chat-1", duration::zero());
  faults.inject(sim::fault_kind::crash, "chat-2", duration::zero());
}

int main() {
  service_spec chat;
  chat.name = "chat";
  chat.command = {"llama-server"};
  chat.instances = {{"chat-1", 8081}, {"chat-2", 8082}, {"chat-3", 8083}};
  chat.health.emplace();
  sim::run_options options;
  options.spec.name = "mine";
  options.spec.services.push_back(chat);
  options.faults.emplace();  // none but the scenario's
  options.scenario = two_crash;
  options.more_oracles = [](sim::judge& over) {
    over.add(std::make_unique<one_always_serves>(over.context().play));
  };
  sim::seed_driver driver(42);
  const sim::run_report seen = sim::run_cluster(options, driver);
  if (seen.verdict) fmt::print("{}: {}\n", seen.verdict->name, seen.verdict->what);
  fmt::print("{} restarts, judged {} times, trace {:016x}\n", seen.restarts, seen.oracles.back().premises, seen.hash);

  const int slept = sim::run(42, [](world& here) -> task<int> {
    co_await here.clock.sleep_for(std::chrono::hours(24 * 365));
    co_return 365;
  });
  fmt::print("{} days went by\n", slept);
  return seen.verdict || slept != 365 ? 1 : 0;
}
