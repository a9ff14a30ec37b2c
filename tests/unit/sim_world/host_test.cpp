// The seam a supervisor gets on a simulated machine: spawning, waiting, output, clearing away; its logs.
#include "hale/sim/world/simulated_host.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "hale/base/error.hpp"
#include "hale/sim/world/seat.hpp"
#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using namespace hale::sim::test;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

task<int> say_and_die(simulated_process& self, std::string text) {
  self.print(text, output_stream::out);
  self.print("error: " + text);
  co_return 1;
}

task<int> bear_and_wait(simulated_process& self) {
  self.fork("child", idler());
  self.fork("daemon", idler(), true);
  self.catch_term();
  trigger never;
  co_await never.wait();
  co_return 0;
}

struct heard final : output_observer {
  void on_output(output_stream from, std::string_view bytes) noexcept override {
    (from == output_stream::out ? out : err) += bytes;
  }
  std::string out;
  std::string err;
};

/// A bed with a supervisor's seat, on which whatever is spawned runs `body`.
struct seat_bed : bed {
  explicit seat_bed(program body = idler())
      : chair(here, [body](const process_spec&) { return result<program, spawn_error>(body); }) {}
  /// Runs on the supervisor's node.
  template <class T>
  T ask(task<T> what) {
    std::optional<T> result;
    chair.runs_on().start(keep(std::move(what), result, time));
    time.run_until(time.now() + std::chrono::hours(1));
    if (!result) BOOST_FAIL("it did not end within an hour");
    return std::move(*result);
  }
  std::unique_ptr<process> spawn(output_observer* output = nullptr) {
    process_spec spec = named_spec("test");
    spec.output = output;
    auto made = ask(chair.world().processes.spawn(std::move(spec)));
    BOOST_REQUIRE(made.has_value());
    return std::move(*made);
  }
  seat chair;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_spawn_takes_its_time_and_gives_a_process_that_can_be_waited_for) {
  seat_bed is(leaver(seconds(1), 4));
  const instant begun = is.time.now();
  const auto one = is.spawn();
  BOOST_TEST((is.time.now() - begun >= is.chair.host().troubles().spawn_takes));
  BOOST_TEST(one->pid() == is.here.find_leader("test")->pid());
  BOOST_TEST((is.ask(one->wait(is.in(milliseconds(500)))).error() == errc::timed_out));
  const auto how = is.ask(one->wait(is.in(seconds(5))));
  BOOST_TEST((how.has_value() && *how == exit_status(exited{4})));
  BOOST_TEST(!one->tree_alive());
}

BOOST_AUTO_TEST_CASE(an_end_is_known_a_moment_after_the_port_is_free) {  // kernel/exit.c: exit_files, then exit_notify
  const auto listen_and_die = [](simulated_process& self) -> task<int> {
    auto at = self.network().listen(endpoint::tcp("127.0.0.1", 8080));
    co_await self.clock().sleep_for(seconds(1));
    co_return 0;
  };
  seat_bed is(listen_and_die);
  const auto one = is.spawn();
  const simulated_process& leader = *is.here.find_leader("test");
  while (leader.alive()) is.run_for(std::chrono::microseconds(10));
  BOOST_TEST(!is.chair.world().network.check_bindable(endpoint::tcp("127.0.0.1", 8080)));
  BOOST_TEST((is.ask(one->wait(deadline(is.here.clock().now()))).error() == errc::timed_out));
  BOOST_TEST(is.ask(one->wait(is.in(milliseconds(1)))).has_value());
}

BOOST_AUTO_TEST_CASE(a_spawn_that_fails_leaves_no_process) {  // clone(2): EAGAIN; execve(2): ENOENT
  seat_bed is;
  is.chair.host().troubles().spawn_of.emplace("test", spawn_error{system_error(ENOENT), "exec", "program"});
  auto failed = is.ask(is.chair.world().processes.spawn(bed::named_spec("test")));
  BOOST_REQUIRE(!failed.has_value());
  BOOST_TEST((failed.error().code == std::errc::no_such_file_or_directory));
  BOOST_TEST(is.ask(is.chair.world().processes.spawn(bed::named_spec("other"))).has_value());
  is.chair.host().troubles().every_spawn = spawn_error{system_error(EAGAIN), "fork", ""};
  failed = is.ask(is.chair.world().processes.spawn(bed::named_spec("other")));
  BOOST_TEST((failed.error().code == std::errc::resource_unavailable_try_again));
  BOOST_TEST(is.here.processes().size() == 1u);
}

BOOST_AUTO_TEST_CASE(output_comes_by_its_own_stream) {
  seat_bed is([](simulated_process& self) { return say_and_die(self, "hello\n"); });
  heard words;
  const auto one = is.spawn(&words);
  is.run_for(seconds(1));
  BOOST_TEST(words.out == "hello\n");
  BOOST_TEST(words.err == "error: hello\n");
}

BOOST_AUTO_TEST_CASE(last_words_come_also_after_the_death_and_at_the_latest_with_the_end_of_the_handle) {  // pipe(7)
  seat_bed is([](simulated_process& self) { return say_and_die(self, "last words"); });
  heard words;
  auto one = is.spawn(&words);
  is.chair.runs_on().stop();
  is.run_for(seconds(1));
  BOOST_TEST(is.here.processes().empty());
  BOOST_TEST(words.out.empty());
  one.reset();
  BOOST_TEST(words.out == "last words");
}

BOOST_AUTO_TEST_CASE(output_comes_in_steps_of_the_supervisors_own_so_a_stopped_one_hears_it_when_it_goes_on) {
  seat_bed is([](simulated_process& self) { return say_and_die(self, "x"); });
  heard words;
  const auto one = is.spawn(&words);
  is.chair.runs_on().stop();
  is.run_for(seconds(60));
  BOOST_TEST(words.out.empty());
  is.chair.runs_on().go_on();
  is.run_for(seconds(1));
  BOOST_TEST(words.out == "x");
}

BOOST_AUTO_TEST_CASE(a_supervisor_that_is_killed_during_a_spawn_has_not_spawned) {
  seat_bed is;
  const auto spawn = [](process_host& host) -> task<void> {
    auto starting = host.spawn(bed::named_spec("test"));
    const auto started = co_await std::move(starting);
    BOOST_TEST(!started.has_value(), "it was to be killed");
  };
  is.chair.runs_on().start(spawn(is.chair.world().processes));
  is.run_for(std::chrono::microseconds(100));
  is.chair.runs_on().kill();
  is.run_for(seconds(1));
  BOOST_TEST(is.here.processes().empty());
}

BOOST_AUTO_TEST_CASE(what_a_supervisor_had_started_lives_on_when_it_is_killed) {  // behaviour: no killed child
  seat_bed is;
  const auto one = is.spawn();
  is.chair.runs_on().kill();
  is.run_for(seconds(1));
  BOOST_TEST(is.here.find_leader("test") != nullptr);
}

BOOST_AUTO_TEST_CASE(signals_reach_the_leader_the_group_or_the_tree) {  // kill(2): negative pids; setsid(2)
  seat_bed is([](simulated_process& self) { return bear_and_wait(self); });
  const auto one = is.spawn();
  is.run_for(milliseconds(1));
  BOOST_TEST(one->usage().processes == 3u);
  one->signal(SIGTERM, signal_reach::leader);
  BOOST_TEST(one->usage().processes == 3u);  // it is caught
  one->signal(SIGTERM, signal_reach::group);
  BOOST_TEST(one->usage().processes == 2u);
  one->signal(SIGTERM, signal_reach::tree);
  BOOST_TEST(one->usage().processes == 1u);
  BOOST_TEST(one->contains(one->pid()));
  BOOST_TEST(!one->contains(one->pid() + 1));
}

BOOST_AUTO_TEST_CASE(killing_a_tree_leaves_nothing_of_it) {
  seat_bed is([](simulated_process& self) { return bear_and_wait(self); });
  const auto one = is.spawn();
  is.run_for(milliseconds(1));
  is.here.deliver(*is.here.find_leader("test"), SIGSTOP);
  BOOST_TEST(!is.ask(one->kill_tree(is.in(seconds(5)))));
  BOOST_TEST(!one->tree_alive());
  is.run_for(milliseconds(1));
  BOOST_TEST(is.here.processes().empty());
}

BOOST_AUTO_TEST_CASE(killing_a_tree_with_a_stuck_member_takes_until_the_deadline_and_works_once_it_comes_out) {
  seat_bed is([](simulated_process& self) { return bear_and_wait(self); });
  const auto one = is.spawn();
  is.run_for(milliseconds(1));
  simulated_process& leader = *is.here.find_leader("test");
  is.here.set_stuck(leader, true);
  BOOST_TEST((is.ask(one->kill_tree(is.in(seconds(5)))) == errc::timed_out));
  BOOST_TEST(one->usage().processes == 1u);
  is.here.set_stuck(leader, false);
  BOOST_TEST(!is.ask(one->kill_tree(is.in(seconds(5)))));
}

BOOST_AUTO_TEST_CASE(a_tree_without_its_leader_is_still_alive_and_still_signalled) {
  seat_bed is([](simulated_process& self) { return bear_and_wait(self); });
  const auto one = is.spawn();
  is.run_for(milliseconds(1));
  is.here.deliver(*is.here.find_leader("test"), SIGKILL);
  BOOST_TEST(is.ask(one->wait(is.in(seconds(1)))).has_value());
  BOOST_TEST(one->tree_alive());
  one->signal(SIGTERM, signal_reach::group);
  BOOST_TEST(one->usage().processes == 1u);
  BOOST_TEST(!is.ask(one->kill_tree(is.in(seconds(1)))));
  BOOST_TEST(!one->tree_alive());
}

BOOST_AUTO_TEST_CASE(who_listens_on_a_port_is_named) {  // proc(5): /proc/net/tcp and the descriptors
  seat_bed is;
  const auto listen = [](simulated_process& self) -> task<int> {
    auto at = self.network().listen(endpoint::tcp("127.0.0.1", 8080));
    trigger never;
    co_await never.wait();
    co_return 0;
  };
  const auto stranger = is.start(listen);
  is.run_for(milliseconds(1));
  const port_holder found = is.chair.world().processes.find_listener(8080);
  BOOST_TEST(found.pid == stranger->pid());
  BOOST_TEST(found.command == "program");
  BOOST_TEST(is.chair.world().processes.find_listener(8081).pid == 0);
}

BOOST_AUTO_TEST_CASE(logs_keep_the_newest_lines_and_count_those_a_full_disk_refuses) {  // write(2): ENOSPC
  seat_bed is;
  const auto log = is.chair.world().logs.open("test", log_limits());
  const auto say = [&](const std::string& text) {
    log_line line;
    line.text = text;
    log->append(line);
  };
  for (std::size_t n = 0; n < simulated_logs::kept_lines + 10; ++n) say(std::to_string(n));
  BOOST_TEST(log->tail(1000).size() == simulated_logs::kept_lines);
  BOOST_TEST(log->tail(2).front() == std::to_string(simulated_logs::kept_lines + 8));
  is.chair.logs().set_full(true);
  say("lost");
  is.chair.logs().set_full(false);
  say("kept");
  BOOST_TEST(log->lines_lost() == 1u);
  BOOST_TEST(log->tail(1).front() == "kept");
}
