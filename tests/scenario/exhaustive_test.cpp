// Small scopes, whole: two instances, three things that strike in the same instant, and every order in which the steps
// that follow can be taken.
#include "canary.hpp"

using namespace canary;
using hale::sim::fault_kind;

namespace {

// Every choice beyond these is the benign one; unoptimised builds look less deep.
#ifdef __OPTIMIZE__
constexpr std::size_t picks = 6;
#else
constexpr std::size_t picks = 4;
#endif
constexpr std::uint64_t window = 3;

struct strike {
  fault_kind kind;
  const char* instance;
};

hale::task<void> three_at_once(hale::sim::stage& play, hale::sim::injector& faults) {
  constexpr fault_kind ills[] = {fault_kind::crash, fault_kind::exit_clean, fault_kind::hang};
  constexpr strike commands[] = {{fault_kind::restart_command, "server-1"},
                                 {fault_kind::stop_command, "server-1"},
                                 {fault_kind::restart_command, "server-2"}};
  hale::sim::choices& chance = play.time().chance();
  const fault_kind first = ills[chance.below(std::size(ills), "strike.first")];
  const fault_kind second = ills[chance.below(std::size(ills), "strike.second")];
  const strike third = commands[chance.below(std::size(commands), "strike.third")];
  hale::sim::scheduler_options any_order = play.time().options();
  any_order.pick_window = window;
  const hale::sim::scheduler_options in_order = play.time().options();
  play.time().set_options(any_order);
  faults.inject(first, "server-1", 10s);
  faults.inject(second, "server-2", 10s);
  faults.inject(third.kind, third.instance, 10s);
  co_await hale::sleep_until(play.time().now() + 50ms);
  play.time().set_options(in_order);
}

}  // namespace

BOOST_AUTO_TEST_CASE(whatever_the_order_three_strikes_at_once_on_two_instances_break_no_promise) {
  hale::sim::run_options options = short_run(cluster_of({servers("server", 2, 8000)}), {}, 2min);
  options.scenario = three_at_once;
  hale::sim::exhaustive_driver every({"strike.first", "strike.second", "strike.third", "pick", "pick.within"},
                                     3 + picks);
  std::size_t runs = 0;
  std::size_t failures = 0;
  do {
    hale::sim::tape recorded;
    const hale::sim::run_report seen = hale::sim::run_cluster(options, every, &recorded);
    ++runs;
    if (!seen.verdict || ++failures > 5) continue;
    BOOST_ERROR(seen.verdict->name << ": " << seen.verdict->what << "\n" << recorded.to_text());
  } while (every.next());
  BOOST_TEST(failures == 0u);
  BOOST_TEST_MESSAGE(runs << " runs");
  BOOST_TEST(runs > 27u * 16u);
}
