// Processes as the kernel keeps them: pids, trees, memory, processor time, ends.
#include <boost/test/unit_test.hpp>
#include <set>
#include <stdexcept>

#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using namespace hale::sim::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

machine_options with_pids(std::int64_t first, std::int64_t last) {
  machine_options options;
  options.first_pid = first;
  options.last_pid = last;
  return options;
}
machine_options with_memory(std::uint64_t bytes) {
  machine_options options;
  options.memory_bytes = bytes;
  options.kernel_bytes = 0;
  return options;
}

struct counts_deaths final : truth_observer {
  int exits = 0;
  int reaped = 0;
  int oom_kills = 0;
  std::vector<std::uint64_t> victims;
  void on_exit(const simulated_process&) override { ++exits; }
  void on_reaped(const simulated_process&) override { ++reaped; }
  void on_oom_kill(const simulated_process& victim) override {
    ++oom_kills;
    victims.push_back(victim.serial());
  }
};

task<int> throw_up(simulated_process&) {
  co_await yield();
  throw std::runtime_error("it broke");
}

task<int> work_then_rest(simulated_process& self) {
  self.compute(true);
  co_await self.clock().sleep_for(seconds(1));
  self.compute(false);
  co_await self.clock().sleep_for(seconds(1));
  co_return 0;
}

task<int> compute_for_ever(simulated_process& self) {
  self.compute(true);
  trigger never;
  co_await never.wait();
  co_return 0;
}

task<int> raise_family(simulated_process& self, std::vector<std::shared_ptr<simulated_process>>& born) {
  const auto& all = self.where().processes();
  born.push_back(all.at(self.fork("child", idler()).pid()));
  born.push_back(all.at(self.fork("daemon", idler(), true).pid()));
  trigger never;
  co_await never.wait();
  co_return 0;
}

task<int> take_and_give(simulated_process& self, std::uint64_t bytes) {
  co_await self.allocate(bytes);
  co_await self.clock().sleep_for(seconds(1));
  self.release(bytes / 2);
  co_await self.clock().sleep_for(seconds(1));
  co_return 0;
}

}  // namespace

// --- ends -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_a_program_returns_is_its_exit_code_of_eight_bits) {  // _exit(2): status & 0xFF
  bed is;
  const auto three = is.start(leaver(seconds(1), 3));
  const auto wide = is.start(leaver(seconds(1), 256 + 7));
  is.run_for(seconds(2));
  BOOST_TEST(left_with(*three, 3));
  BOOST_TEST(left_with(*wide, 7));
}

BOOST_AUTO_TEST_CASE(a_program_that_throws_is_aborted) {  // std::terminate, abort(3)
  bed is;
  const auto thrower = is.start([](simulated_process& self) { return throw_up(self); });
  is.run_for(seconds(1));
  BOOST_TEST(died_of(*thrower, SIGABRT));
  BOOST_TEST(is.here.processes().empty());
}

BOOST_AUTO_TEST_CASE(the_dead_are_zombies_until_they_are_reaped_once) {  // wait(2), NOTES
  bed is;
  counts_deaths seen;
  is.record.observe(seen);
  is.here.set_reaping_delay(seconds(5));
  const auto one = is.start(leaver(seconds(1), 0));
  is.run_for(seconds(2));
  BOOST_TEST((one->state() == simulated_process::life::zombie));
  BOOST_TEST(!one->reaped().fired());
  BOOST_TEST(is.here.processes().count(one->pid()) == 1u);
  BOOST_TEST(one->rss_bytes() == 0u);
  is.run_for(seconds(5));
  BOOST_TEST((one->state() == simulated_process::life::reaped));
  BOOST_TEST(one->reaped().fired());
  BOOST_TEST(is.here.processes().empty());
  BOOST_TEST(seen.exits == 1);
  BOOST_TEST(seen.reaped == 1);
}

BOOST_AUTO_TEST_CASE(children_outlive_their_parent_and_stay_in_its_tree) {  // cgroups(7); orphans: wait(2)
  bed is;
  std::vector<std::shared_ptr<simulated_process>> born;
  const auto leader = is.start([&born](simulated_process& self) { return raise_family(self, born); });
  is.run_for(seconds(1));
  BOOST_TEST(leader->tree()->members.size() == 3u);
  BOOST_TEST(born[0]->group() == leader->pid());
  BOOST_TEST(born[1]->group() == born[1]->pid());  // setsid(2)
  is.here.deliver(*leader, SIGKILL);
  is.run_for(seconds(1));
  BOOST_TEST(is.here.find_leader("test") == nullptr);
  BOOST_TEST(leader->tree()->members.size() == 2u);
  BOOST_TEST(born[0]->alive());
}

// --- pids -----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(pids_count_up_and_come_round_again_past_those_in_use) {  // proc(5): pid_max
  bed is(with_pids(100, 104));
  const auto stays = is.start(idler());
  BOOST_TEST(stays->pid() == 100);
  std::set<std::int64_t> given;
  for (int n = 0; n < 9; ++n) {
    const auto next = is.start(leaver(milliseconds(1), 0));
    BOOST_TEST(next->pid() != 100);
    given.insert(next->pid());
    is.run_for(seconds(1));
  }
  BOOST_TEST(given.size() == 4u);
  BOOST_TEST(*given.begin() == 101);
  BOOST_TEST(*given.rbegin() == 104);
}

BOOST_AUTO_TEST_CASE(a_zombie_keeps_its_pid) {  // wait(2), NOTES: a slot in the process table
  bed is(with_pids(100, 101));
  is.here.set_reaping_delay(seconds(5));
  const auto dead = is.start(leaver(milliseconds(1), 0));
  is.run_for(seconds(1));
  is.start(leaver(milliseconds(1), 0));
  is.run_for(seconds(10));
  is.here.set_reaping_delay(duration::zero());
  BOOST_TEST(is.start(idler())->pid() == dead->pid());
}

BOOST_AUTO_TEST_CASE(the_pid_given_up_last_can_be_had_again_at_once) {
  bed is;
  const auto gone = is.start(leaver(milliseconds(1), 0));
  is.run_for(seconds(1));
  is.here.reuse_next_pid();
  const auto heir = is.start(idler());
  BOOST_TEST(heir->pid() == gone->pid());
  BOOST_TEST(heir->serial() != gone->serial());
  BOOST_TEST(is.start(idler())->pid() != gone->pid());
}

BOOST_AUTO_TEST_CASE(no_pid_is_given_out_that_still_names_a_group) {  // fork(2)
  bed is(with_pids(100, 104));
  std::vector<std::shared_ptr<simulated_process>> born;
  const auto leader = is.start([&born](simulated_process& self) { return raise_family(self, born); });
  is.run_for(milliseconds(1));
  is.here.deliver(*leader, SIGKILL);
  is.run_for(milliseconds(1));
  is.here.reuse_next_pid();
  for (int n = 0; n < 6; ++n) {
    const auto next = is.start(leaver(milliseconds(1), 0));
    BOOST_TEST(next->pid() != leader->pid());
    is.run_for(milliseconds(10));
  }
  is.here.deliver(*born[0], SIGKILL);
  is.run_for(milliseconds(1));
  std::set<std::int64_t> given;
  for (int n = 0; n < 6; ++n) {
    given.insert(is.start(leaver(milliseconds(1), 0))->pid());
    is.run_for(milliseconds(10));
  }
  BOOST_TEST(given.count(leader->pid()) == 1u);
}

// --- memory and processor time --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(memory_is_counted_by_process_tree_and_machine_and_free_after_death) {  // proc(5): VmRSS
  bed is;
  const auto one = is.start([](simulated_process& self) { return take_and_give(self, gib); });
  const auto other = is.start(holder(2 * gib));
  is.run_for(milliseconds(500));
  BOOST_TEST(one->rss_bytes() == gib);
  BOOST_TEST(one->tree()->rss_bytes == gib);
  BOOST_TEST(is.here.memory_used() == 3 * gib);
  is.run_for(seconds(1));
  BOOST_TEST(one->tree()->rss_bytes == gib / 2);
  is.run_for(seconds(1));
  BOOST_TEST(is.here.memory_used() == 2 * gib);
  is.here.deliver(*other, SIGKILL);
  BOOST_TEST(is.here.memory_used() == 0u);
}

BOOST_AUTO_TEST_CASE(when_the_machine_runs_out_its_largest_process_is_killed) {  // proc(5): oom_score
  bed is(with_memory(10 * gib));
  counts_deaths seen;
  is.record.observe(seen);
  const auto large = is.start(holder(6 * gib));
  const auto small = is.start(holder(3 * gib));
  is.run_for(milliseconds(1));
  const auto last = is.start(holder(2 * gib));
  is.run_for(milliseconds(1));
  BOOST_TEST(died_of(*large, SIGKILL));
  BOOST_TEST(large->killed_by_oom());
  BOOST_TEST(large->tree()->oom_kills == 1u);
  BOOST_TEST(small->alive());
  BOOST_TEST(last->alive());
  BOOST_TEST(seen.oom_kills == 1);
}

BOOST_AUTO_TEST_CASE(of_equals_the_youngest_is_killed) {  // mm/oom_kill.c: select_bad_process
  bed is(with_memory(10 * gib));
  const auto older = is.start(holder(4 * gib));
  const auto younger = is.start(holder(4 * gib));
  is.run_for(milliseconds(1));
  is.start(holder(3 * gib));
  is.run_for(milliseconds(1));
  BOOST_TEST(older->alive());
  BOOST_TEST(younger->killed_by_oom());
}

BOOST_AUTO_TEST_CASE(when_a_tree_passes_its_limit_only_it_is_struck) {  // cgroups(7): memory controller
  bed is(with_memory(100 * gib));
  const auto bystander = is.start(holder(50 * gib));
  const auto limited = is.start(holder(3 * gib), 2 * gib);
  is.run_for(milliseconds(1));
  BOOST_TEST(bystander->alive());
  BOOST_TEST(limited->killed_by_oom());
  BOOST_TEST(limited->tree()->oom_kills == 1u);
  BOOST_TEST(bystander->tree()->oom_kills == 0u);
}

BOOST_AUTO_TEST_CASE(within_a_tree_the_largest_is_killed_and_the_rest_live_on) {
  bed is;
  std::vector<std::shared_ptr<simulated_process>> born;
  const auto leader = is.start([&born](simulated_process& self) { return raise_family(self, born); }, 4 * gib);
  is.run_for(milliseconds(1));
  is.here.charge(*born[0], 3 * gib);
  is.here.charge(*leader, 2 * gib);
  BOOST_TEST(born[0]->killed_by_oom());
  BOOST_TEST(leader->alive());
  BOOST_TEST(leader->tree()->rss_bytes == 2 * gib);
}

BOOST_AUTO_TEST_CASE(what_is_stuck_in_the_kernel_frees_nothing_so_the_next_is_taken) {  // mm/oom_kill.c: MMF_OOM_SKIP
  bed is(with_memory(10 * gib));
  const auto stuck = is.start(holder(6 * gib));
  const auto next = is.start(holder(3 * gib));
  is.run_for(milliseconds(1));
  is.here.set_stuck(*stuck, true);
  const auto last = is.start(holder(2 * gib));
  is.run_for(milliseconds(1));
  BOOST_TEST(stuck->alive());
  BOOST_TEST(next->killed_by_oom());
  BOOST_TEST(last->alive());
}

BOOST_AUTO_TEST_CASE(processor_time_is_what_was_computed_and_outlives_the_process_in_its_tree) {  // cpu.stat
  bed is;
  const auto one = is.start([](simulated_process& self) { return work_then_rest(self); });
  is.run_for(milliseconds(500));
  BOOST_TEST((one->cpu_time() == milliseconds(500)));
  is.run_for(seconds(1));
  BOOST_TEST((one->cpu_time() == seconds(1)));
  is.run_for(seconds(1));
  BOOST_TEST(!one->alive());
  BOOST_TEST((one->tree()->cpu_of_dead == seconds(1)));
}

BOOST_AUTO_TEST_CASE(who_is_stopped_or_stuck_uses_no_processor_and_goes_on_computing_afterwards) {
  bed is;
  const auto one = is.start([](simulated_process& self) { return compute_for_ever(self); });
  is.run_for(seconds(1));
  is.here.deliver(*one, SIGSTOP);
  is.run_for(seconds(1));
  BOOST_TEST((one->cpu_time() == seconds(1)));
  is.here.deliver(*one, SIGCONT);
  is.run_for(seconds(1));
  BOOST_TEST((one->cpu_time() == seconds(2)));
  is.here.set_stuck(*one, true);
  is.run_for(seconds(1));
  BOOST_TEST((one->cpu_time() == seconds(2)));
  is.here.set_stuck(*one, false);
  is.run_for(seconds(1));
  BOOST_TEST((one->cpu_time() == seconds(3)));
}

BOOST_AUTO_TEST_CASE(the_newest_living_leader_of_a_name_is_found) {
  bed is;
  const auto older = is.start(idler());
  const auto newer = is.start(leaver(seconds(1), 0));
  BOOST_TEST(is.here.find_leader("test") == newer.get());
  is.run_for(seconds(2));
  BOOST_TEST(is.here.find_leader("test") == older.get());
  BOOST_TEST(is.here.find_leader("nobody") == nullptr);
}
