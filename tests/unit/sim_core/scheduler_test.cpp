#include "hale/sim/core/scheduler.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "hale/async/channel.hpp"
#include "hale/async/scope.hpp"
#include "hale/async/trigger.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct bed {
  explicit bed(std::uint64_t seed = 1, scheduler_options options = {}) : driver(seed), time(chance, record, options) {}
  seed_driver driver;
  choices chance{driver};
  trace record;
  scheduler time;
};

instant at(duration since_start) { return instant(since_start); }

task<void> say(std::string& into, char letter, duration pause, int times) {
  for (int n = 0; n < times; ++n) {
    into += letter;
    auto waiting = sleep_until(instant(pause * (n + 1)));
    co_await waiting;
  }
}

task<void> spin() {
  for (;;) co_await yield();
}

struct tells_its_end {
  explicit tells_its_end(int& count) : ends(count) {}
  ~tells_its_end() { ++ends; }
  int& ends;
};

task<void> wait_for_ever(trigger& never, int& ends) {
  const tells_its_end guard(ends);
  co_await never.wait();
}

task<void> family(trigger& never, int& ends) {
  const context here = co_await this_context();
  scope children(here);
  for (int n = 0; n < 3; ++n) children.spawn(wait_for_ever(never, ends));
  co_await children.join();
}

/// Runs `count` letters that are all ready at once, and gives the order they came in.
std::string order_of(std::uint64_t seed, std::uint64_t window) {
  scheduler_options options;
  options.pick_window = window;
  bed here(seed, options);
  std::string said;
  for (char letter = 'a'; letter < 'a' + 6; ++letter) {
    here.time.add_node(std::string(1, letter)).start(say(said, letter, seconds(1), 1));
  }
  here.time.run_until(instant::max());
  return said;
}

}  // namespace

BOOST_AUTO_TEST_CASE(time_jumps_to_the_next_timer_and_equal_moments_keep_their_order) {
  bed here;
  std::string said;
  node& one = here.time.add_node("one");
  one.start(say(said, 'a', seconds(2), 2));
  one.start(say(said, 'b', seconds(2), 2));
  BOOST_TEST((here.time.run_until(at(seconds(1))) == run_end::reached));
  BOOST_TEST(said == "ab");
  BOOST_TEST((here.time.now() == at(seconds(1))));
  BOOST_TEST((here.time.run_until(at(seconds(10))) == run_end::idle));
  BOOST_TEST(said == "abab");
  BOOST_TEST(one.idle());
}

BOOST_AUTO_TEST_CASE(what_waits_for_nothing_that_can_come_is_found_as_idle_and_unfinished) {
  bed here;
  trigger never;
  int ends = 0;
  node& one = here.time.add_node("one");
  one.start(wait_for_ever(never, ends));
  BOOST_TEST((here.time.run_until(instant::max()) == run_end::idle));
  BOOST_TEST(!one.idle());
}

BOOST_AUTO_TEST_CASE(a_world_in_which_time_stands_still_is_a_livelock) {
  scheduler_options options;
  options.max_steps_per_instant = 500;
  options.step_cost = std::chrono::nanoseconds(1);
  bed here(1, options);
  here.time.add_node("one").start(spin());
  BOOST_TEST((here.time.run_until(instant::max()) == run_end::livelock));
}

BOOST_AUTO_TEST_CASE(a_killed_node_loses_all_its_coroutines_and_nobody_else_does) {
  bed here;
  trigger never;
  int ends = 0;
  std::string said;
  node& victim = here.time.add_node("victim");
  node& other = here.time.add_node("other");
  victim.start(family(never, ends));
  other.start(say(said, 'o', seconds(1), 3));
  here.time.run_until(at(milliseconds(10)));
  victim.kill();
  BOOST_TEST(ends == 3);
  never.fire();
  here.time.run_until(instant::max());
  BOOST_TEST(said == "ooo");
}

BOOST_AUTO_TEST_CASE(a_node_that_kills_itself_runs_no_further_than_its_next_wait) {
  bed here;
  node& one = here.time.add_node("one");
  int beyond = 0;
  const auto end_it = [](node& self, int& count) -> task<void> {
    self.kill();
    co_await yield();
    ++count;
  };
  one.start(end_it(one, beyond));
  here.time.run_until(instant::max());
  BOOST_TEST(beyond == 0);
  BOOST_TEST(one.killed());
}

BOOST_AUTO_TEST_CASE(a_stopped_node_does_nothing_and_goes_on_where_it_was) {
  bed here;
  std::string said;
  node& one = here.time.add_node("one");
  one.start(say(said, 'a', seconds(1), 4));
  here.time.run_until(at(milliseconds(500)));
  one.stop();
  here.time.run_until(at(seconds(100)));
  BOOST_TEST(said == "a");
  one.go_on();
  here.time.run_until(at(seconds(200)));
  BOOST_TEST(said == "aaaa");
}

BOOST_AUTO_TEST_CASE(the_order_of_what_is_ready_is_the_oldest_first_unless_chosen_otherwise) {
  BOOST_TEST(order_of(1, 1) == "abcdef");
  std::size_t different = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string order = order_of(seed, 8);
    BOOST_TEST(order == order_of(seed, 8));
    if (order != "abcdef") ++different;
  }
  BOOST_TEST(different > 10);
}

BOOST_AUTO_TEST_CASE(equal_seeds_have_equal_traces_and_others_have_not) {
  const auto hash_of = [](std::uint64_t seed) {
    scheduler_options options;
    options.pick_window = 4;
    bed here(seed, options);
    std::string said;
    for (char letter = 'a'; letter < 'a' + 6; ++letter) {
      here.time.add_node("n").start(say(said, letter, milliseconds(7), 5));
    }
    here.time.run_until(instant::max());
    return here.record.hash();
  };
  BOOST_TEST(hash_of(1) == hash_of(1));
  BOOST_TEST(hash_of(1) != hash_of(2));
}

BOOST_AUTO_TEST_CASE(a_replay_that_goes_another_way_is_found_at_its_first_step) {
  const auto run = [](duration pause, trace& record) {
    seed_driver driver(1);
    choices chance(driver);
    scheduler time(chance, record);
    std::string said;
    time.add_node("one").start(say(said, 'a', seconds(1), 3));
    time.add_node("two").start(say(said, 'b', pause, 3));
    time.run_until(instant::max());
  };
  trace first;
  first.keep_every_step();
  run(seconds(1), first);
  trace same;
  same.check_against(first);
  run(seconds(1), same);
  BOOST_TEST(same.first_difference() == 0u);
  trace other;
  other.check_against(first);
  run(milliseconds(900), other);
  BOOST_TEST(other.first_difference() == 3u);
}
