// Signals with their real semantics: signal(7), where nothing else is named.
#include <boost/test/unit_test.hpp>

#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using namespace hale::sim::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

task<int> ignore_term(simulated_process& self) {
  self.ignore_term();
  trigger never;
  co_await never.wait();
  co_return 0;
}

task<int> obey_term(simulated_process& self) {
  self.catch_term();
  co_await self.terminated().wait();
  co_await self.clock().sleep_for(seconds(1));
  co_return 0;
}

struct last_signal final : truth_observer {
  sent_signal last;
  int told = 0;
  void on_signal(const simulated_process&, const sent_signal& sent) override {
    last = sent;
    ++told;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_signal_ends_who_does_nothing_about_it_and_a_crash_dumps_core) {  // signal(7), core(5)
  bed is;
  const auto told = is.start(idler());
  const auto crashed = is.start(idler());
  is.here.deliver(*told, SIGTERM);
  is.here.deliver(*crashed, SIGSEGV);
  BOOST_TEST((told->status() == exit_status(signalled{SIGTERM, false})));
  BOOST_TEST((crashed->status() == exit_status(signalled{SIGSEGV, true})));
}

BOOST_AUTO_TEST_CASE(some_signals_are_ignored_by_default) {
  bed is;
  const auto one = is.start(idler());
  for (const int number : {0, SIGCHLD, SIGURG, SIGWINCH, SIGCONT}) is.here.deliver(*one, number);
  BOOST_TEST(one->alive());
}

BOOST_AUTO_TEST_CASE(sigterm_can_be_ignored_and_sigkill_cannot) {
  bed is;
  const auto one = is.start([](simulated_process& self) { return ignore_term(self); });
  is.run_for(milliseconds(1));
  is.here.deliver(*one, SIGTERM);
  is.run_for(seconds(10));
  BOOST_TEST(one->alive());
  is.here.deliver(*one, SIGKILL);
  BOOST_TEST(died_of(*one, SIGKILL));
}

BOOST_AUTO_TEST_CASE(sigterm_that_is_caught_ends_the_program_in_its_own_way) {
  bed is;
  const auto one = is.start([](simulated_process& self) { return obey_term(self); });
  is.run_for(milliseconds(1));
  is.here.deliver(*one, SIGTERM);
  is.here.deliver(*one, SIGTERM);
  is.run_for(milliseconds(500));
  BOOST_TEST(one->alive());
  is.run_for(seconds(1));
  BOOST_TEST(left_with(*one, 0));
}

BOOST_AUTO_TEST_CASE(who_is_stopped_does_nothing_until_it_is_continued) {
  bed is;
  int ticks = 0;
  const auto one = is.start(counter(ticks));
  is.run_for(milliseconds(95));
  is.here.deliver(*one, SIGSTOP);
  is.run_for(seconds(10));
  BOOST_TEST(ticks == 9);
  BOOST_TEST(one->stopped());
  is.here.deliver(*one, SIGCONT);
  is.run_for(milliseconds(95));
  BOOST_TEST(ticks > 9);
}

BOOST_AUTO_TEST_CASE(a_stopped_process_keeps_sigterm_until_it_is_continued) {
  bed is;
  last_signal seen;
  is.record.observe(seen);
  const auto one = is.start(idler());
  is.here.deliver(*one, SIGSTOP);
  is.here.deliver(*one, SIGTERM);
  BOOST_TEST(!seen.last.delivered);
  is.run_for(seconds(10));
  BOOST_TEST(one->alive());
  is.here.deliver(*one, SIGCONT);
  BOOST_TEST(died_of(*one, SIGTERM));
}

BOOST_AUTO_TEST_CASE(a_stopped_process_that_catches_sigterm_acts_on_it_once_continued) {
  bed is;
  const auto one = is.start([](simulated_process& self) { return obey_term(self); });
  is.run_for(milliseconds(1));
  is.here.deliver(*one, SIGSTOP);
  is.here.deliver(*one, SIGTERM);
  is.run_for(seconds(10));
  BOOST_TEST(one->alive());
  is.here.deliver(*one, SIGCONT);
  is.run_for(seconds(2));
  BOOST_TEST(left_with(*one, 0));
}

BOOST_AUTO_TEST_CASE(sigkill_ends_also_who_is_stopped) {
  bed is;
  const auto one = is.start(idler());
  is.here.deliver(*one, SIGSTOP);
  is.here.deliver(*one, SIGKILL);
  BOOST_TEST(died_of(*one, SIGKILL));
}

BOOST_AUTO_TEST_CASE(stopped_twice_and_continued_once_it_runs) {  // POSIX: a continuation discards pending stops
  bed is;
  const auto one = is.start(idler());
  is.here.deliver(*one, SIGSTOP);
  is.here.deliver(*one, SIGSTOP);
  is.here.deliver(*one, SIGCONT);
  BOOST_TEST(!one->stopped());
  is.here.deliver(*one, SIGTSTP);  // stops by default, too
  BOOST_TEST(one->stopped());
}

BOOST_AUTO_TEST_CASE(nothing_reaches_who_is_stuck_in_the_kernel_until_it_comes_out) {  // ps(1): D
  bed is;
  int ticks = 0;
  const auto one = is.start(counter(ticks));
  is.run_for(milliseconds(1));
  is.here.set_stuck(*one, true);
  is.here.deliver(*one, SIGTERM);
  is.here.deliver(*one, SIGKILL);
  is.run_for(seconds(10));
  BOOST_TEST(one->alive());
  BOOST_TEST(ticks == 0);
  is.here.set_stuck(*one, false);
  BOOST_TEST(!one->alive());
  is.run_for(seconds(1));
  BOOST_TEST(ticks == 0);
  BOOST_TEST(is.here.processes().empty());
}

BOOST_AUTO_TEST_CASE(who_comes_out_of_the_kernel_unharmed_goes_on) {
  bed is;
  int ticks = 0;
  const auto one = is.start(counter(ticks));
  is.here.set_stuck(*one, true);
  is.run_for(seconds(1));
  is.here.set_stuck(*one, false);
  is.run_for(seconds(1));
  BOOST_TEST(ticks > 50);
}

BOOST_AUTO_TEST_CASE(who_was_stopped_while_stuck_is_stopped_when_it_comes_out_and_sigkill_still_beats_that) {
  bed is;
  const auto one = is.start(idler());
  is.here.set_stuck(*one, true);
  is.here.deliver(*one, SIGSTOP);
  is.here.deliver(*one, SIGTERM);
  is.here.set_stuck(*one, false);
  BOOST_TEST(one->stopped());
  BOOST_TEST(one->alive());
  is.here.deliver(*one, SIGKILL);
  BOOST_TEST(died_of(*one, SIGKILL));
}

BOOST_AUTO_TEST_CASE(a_signal_to_a_zombie_is_told_and_does_nothing) {  // kill(2), NOTES
  bed is;
  last_signal seen;
  is.here.set_reaping_delay(seconds(10));
  const auto one = is.start(leaver(milliseconds(1), 5));
  is.run_for(seconds(1));
  is.record.observe(seen);
  is.here.deliver(*one, SIGKILL);
  BOOST_TEST(seen.told == 1);
  BOOST_TEST(!seen.last.delivered);
  BOOST_TEST(left_with(*one, 5));
}

BOOST_AUTO_TEST_CASE(who_ends_while_it_is_stopped_is_gone) {
  bed is;
  const auto one = is.start(idler());
  is.here.deliver(*one, SIGSTOP);
  is.here.end(*one, exited{9});
  is.run_for(seconds(1));
  BOOST_TEST(left_with(*one, 9));
  BOOST_TEST(is.here.processes().empty());
}
