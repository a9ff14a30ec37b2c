#include "hale/heal/supervisor.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

#include "support/fake_world.hpp"

using namespace std::chrono_literals;
using namespace hale;
using test::answer;

namespace {

struct recorder final : event_sink {
  std::vector<event> events;
  void on_event(const event& what) noexcept override { events.push_back(what); }
  std::size_t count(event_kind kind) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const event& e) { return e.kind == kind; }));
  }
  const event* last(event_kind kind) const {
    const auto found =
        std::find_if(events.rbegin(), events.rend(), [&](const event& e) { return e.kind == kind; });
    return found == events.rend() ? nullptr : &*found;
  }
  /// "waiting>starting>serving" of one instance.
  std::string path(std::string_view instance) const {
    std::string states;
    for (const event& e : events) {
      if (e.kind != event_kind::state || e.instance != instance) continue;
      states += (states.empty() ? "" : ">") + e.to;
    }
    return states;
  }
};

service_spec make_service(std::string name, std::uint32_t count, std::uint16_t port = 0) {
  service_spec service;
  service.name = name;
  service.command = {"server"};
  if (port != 0) service.command.push_back("--port={port}");
  for (std::uint32_t i = 0; i < count; ++i) {
    instance_spec one;
    one.name = count == 1 ? name : fmt::format("{}-{}", name, i + 1);
    one.port = port == 0 ? 0 : static_cast<std::uint16_t>(port + i);
    service.instances.push_back(one);
  }
  return service;
}

service_spec make_probed(std::string name, std::uint32_t count, std::uint16_t port) {
  service_spec service = make_service(std::move(name), count, port);
  service.health = probe_spec();
  service.health->interval = 2s;
  service.health->timeout = 1s;
  return service;
}

/// A cluster in a fake world, run by the test.
struct fixture {
  test::fake_world world;
  cluster_spec spec;
  recorder seen;
  std::unique_ptr<supervisor> cluster;
  cancel_source cancellation;
  std::optional<root<void>> running;

  fixture() { spec.start_concurrency = 100; }
  void run(std::vector<service_spec> services) {
    spec.name = "test";
    spec.services = std::move(services);
    cluster = std::make_unique<supervisor>(world.view, spec);
    cluster->subscribe(seen);
    running.emplace(world.executor, cluster->run(), &cancellation);
    world.executor.run_for(10ms);
  }
  ~fixture() {
    if (!running || running->done()) return;
    for (const auto& life : world.host.lives) life->unkillable = false;
    cluster->request_stop("test ends");
    world.executor.run_for(1min);
    BOOST_TEST(running->done());
    BOOST_TEST(world.host.alive() == 0U);
    running->take();
  }

  instance_status status(std::string_view name) const {
    for (const service_status& service : cluster->status().services) {
      for (const instance_status& one : service.instances) {
        if (one.name == name) return one;
      }
    }
    BOOST_FAIL("no such instance");
    return {};
  }
  std::string state(std::string_view name) const { return std::string(to_string(status(name).state)); }
  void pass(duration time) { world.executor.run_for(time); }
  test::fake_life& life(std::string_view name) { return world.host.of(name); }
  template <class Task>
  auto finish(Task command, duration within) {
    root<command_result> driven(world.executor, std::move(command));
    world.executor.run_for(within);
    BOOST_REQUIRE(driven.done());
    return driven.take();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(supervision, fixture)

BOOST_AUTO_TEST_CASE(without_a_probe_an_instance_serves_as_soon_as_it_is_spawned) {
  run({make_service("web", 1, 8080)});
  BOOST_TEST(state("web") == "serving");
  BOOST_TEST(seen.path("web") == "waiting>starting>serving");
  const auto argv = life("web").spec.argv;
  BOOST_TEST(argv == (std::vector<std::string>{"server", "--port=8080"}), boost::test_tools::per_element());
  BOOST_TEST(life("web").variable("PORT") == "8080");
  BOOST_TEST(life("web").variable("HALE_NAME") == "web");
  BOOST_TEST(life("web").variable("HALE_INCARNATION") == "1");
  BOOST_TEST(life("web").variable("NOTIFY_SOCKET") == "");
  const auto& withheld = life("web").spec.withheld;
  BOOST_TEST((std::find(withheld.begin(), withheld.end(), "NOTIFY_SOCKET") != withheld.end()));
}

BOOST_AUTO_TEST_CASE(events_are_numbered_from_one_without_gaps) {
  run({make_service("web", 3, 8080)});
  for (std::size_t i = 0; i < seen.events.size(); ++i) BOOST_TEST(seen.events[i].sequence == i + 1);
}

BOOST_AUTO_TEST_CASE(a_stable_instance_that_is_killed_is_restarted_at_once_and_another_after_its_backoff) {
  run({make_service("web", 1)});
  pass(2min);
  life("web").end(signalled{SIGKILL, false});
  pass(1ms);
  BOOST_TEST(world.host.spawns_of("web") == 2U);
  BOOST_TEST(state("web") == "serving");
  BOOST_TEST((seen.last(event_kind::exit)->cause == cause::killed_by_signal));

  life("web").end(signalled{SIGKILL, false});
  pass(1ms);
  BOOST_TEST(world.host.spawns_of("web") == 2U);
  BOOST_TEST(state("web") == "waiting");
  pass(2s);
  BOOST_TEST(world.host.spawns_of("web") == 3U);
}

BOOST_AUTO_TEST_CASE(exit_zero_nobody_asked_for_is_a_failure_under_always_and_an_end_under_on_failure) {
  service_spec job = make_service("job", 1);
  job.restart.policy = restart_when::on_failure;
  run({make_service("web", 1), job});
  life("web").end(exited{0});
  life("job").end(exited{0});
  pass(10s);
  BOOST_TEST(world.host.spawns_of("web") == 2U);
  BOOST_TEST((status("web").last_cause == cause::exit_clean));
  BOOST_TEST(state("job") == "finished");
  BOOST_TEST(world.host.spawns_of("job") == 1U);
}

BOOST_AUTO_TEST_CASE(oom_is_said_only_with_the_kernels_evidence) {
  run({make_service("a", 1), make_service("b", 1)});
  life("a").oom_kills = 1;
  life("a").end(signalled{SIGKILL, false});
  life("b").end(signalled{SIGKILL, false});
  pass(1ms);
  BOOST_TEST((status("a").last_cause == cause::oom_killed));
  BOOST_TEST((status("b").last_cause == cause::killed_by_signal));
  BOOST_TEST(seen.count(event_kind::oom) == 1U);
}

BOOST_AUTO_TEST_CASE(a_load_slower_than_the_probe_is_left_alone_while_it_progresses) {
  service_spec llama = make_probed("llama", 1, 9000);
  llama.start.stall = 10s;
  llama.start.timeout = 5min;
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  run({llama});
  for (int second = 0; second < 60; ++second) {
    life("llama").print("loading tensors\n");
    pass(1s);
  }
  BOOST_TEST(state("llama") == "starting");
  BOOST_TEST(world.host.lives.size() == 1U);
  life("llama").answer = answer::ok;
  pass(3s);
  BOOST_TEST(state("llama") == "serving");
}

BOOST_AUTO_TEST_CASE(a_start_without_progress_stalls_and_one_that_never_ends_hits_the_cap) {
  service_spec silent = make_probed("silent", 1, 9000);
  silent.start.stall = 10s;
  service_spec busy = make_probed("busy", 1, 9100);
  busy.start.stall = 10s;
  busy.start.timeout = 30s;
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  run({silent, busy});
  for (int second = 0; second < 12; ++second) {
    life("busy").cpu += 500ms;
    pass(1s);
  }
  BOOST_TEST((status("silent").last_cause == cause::start_stalled));
  BOOST_TEST(world.host.spawns_of("busy") == 1U);
  for (int second = 0; second < 20; ++second) {
    life("busy").cpu += 500ms;
    pass(1s);
  }
  BOOST_TEST((status("busy").last_cause == cause::start_timeout));
}

BOOST_AUTO_TEST_CASE(a_hung_server_that_ignores_sigterm_is_killed_and_replaced_with_cause_hung) {
  run({make_probed("llama", 1, 9000)});
  BOOST_TEST(state("llama") == "serving");
  life("llama").answer = answer::silent;
  life("llama").ignores_term = true;
  auto& hung = life("llama");
  pass(30s);
  BOOST_TEST(!hung.alive());
  BOOST_TEST(hung.signals == (std::vector<int>{SIGTERM, SIGCONT, SIGKILL}), boost::test_tools::per_element());
  BOOST_TEST(state("llama") == "serving");
  BOOST_TEST(status("llama").incarnation.value() == 2U);
  BOOST_TEST((status("llama").last_cause == cause::hung));
  BOOST_TEST(status("llama").cause.has_value() == false);
}

BOOST_AUTO_TEST_CASE(garbage_and_refusals_are_probe_failures) {
  run({make_probed("a", 1, 9000), make_probed("b", 1, 9100)});
  life("a").answer = answer::garbage;
  life("b").answer = answer::refused;
  pass(10s);
  BOOST_TEST((status("a").last_cause == cause::probe_failed));
  BOOST_TEST((status("b").last_cause == cause::probe_failed));
}

BOOST_AUTO_TEST_CASE(a_missing_program_is_held_with_one_alert_until_a_person_starts_it) {
  bool missing = true;
  world.host.on_spawn = [&](test::fake_life&) -> std::optional<spawn_error> {
    if (!missing) return std::nullopt;
    return spawn_error{system_error(ENOENT), "exec", "/opt/nothing"};
  };
  run({make_service("web", 1)});
  pass(1h);
  BOOST_TEST(state("web") == "held");
  BOOST_TEST((status("web").cause == cause::exec_failed));
  BOOST_TEST(status("web").reason.find("/opt/nothing") != std::string::npos);
  BOOST_TEST(seen.count(event_kind::spawn) == 1U);
  BOOST_TEST(seen.count(event_kind::alert) == 1U);
  missing = false;
  const command_result started = finish(cluster->start("web", true), 1s);
  BOOST_TEST((started.status == command_result::outcome::done));
  BOOST_TEST(state("web") == "serving");
  BOOST_TEST(seen.count(event_kind::alert_resolved) == 0U);
  pass(61s);
  BOOST_TEST(seen.count(event_kind::alert_resolved) == 1U);
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_named_by_its_log_line_though_the_process_ends_in_sigsegv) {
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  run({make_probed("llama", 1, 9000)});
  life("llama").print("gguf_init_from_file: failed to open GGUF file '/models/none.gguf'\n");
  life("llama").end(signalled{SIGSEGV, true});
  pass(1min);
  BOOST_TEST(state("llama") == "held");
  BOOST_TEST((status("llama").cause == cause::config_error));
  BOOST_TEST(world.host.lives.size() == 1U);
}

BOOST_AUTO_TEST_CASE(exhausted_attempts_alert_once_and_cool_and_are_tried_again_each_interval) {
  service_spec bad = make_service("bad", 1);
  bad.restart.attempts = 3;
  bad.restart.backoff.base = 1s;
  bad.restart.cool = 5min;
  world.host.on_spawn = [](test::fake_life&) { return std::nullopt; };
  run({bad});
  const auto crash = [&] {
    life("bad").end(exited{1});
    pass(40s);
  };
  for (int i = 0; i < 4; ++i) crash();
  BOOST_TEST(state("bad") == "cooling");
  BOOST_TEST(world.host.lives.size() == 4U);
  BOOST_TEST(seen.count(event_kind::alert) == 1U);
  pass(5min);
  BOOST_TEST(world.host.lives.size() == 5U);
  crash();
  BOOST_TEST(state("bad") == "cooling");
  pass(10min);
  BOOST_TEST(world.host.lives.size() == 6U);
  BOOST_TEST(state("bad") == "serving");
}

BOOST_AUTO_TEST_CASE(serving_for_a_moment_resolves_no_alert) {
  service_spec bad = make_service("bad", 1);
  bad.restart.attempts = 1;
  bad.restart.cool = 2s;
  world.host.on_spawn = [](test::fake_life&) { return std::nullopt; };
  run({bad});
  for (int i = 0; i < 20; ++i) {
    life("bad").end(exited{1});
    pass(5s);
  }
  BOOST_TEST(seen.count(event_kind::alert) == 1U);
  BOOST_TEST(seen.count(event_kind::alert_resolved) == 0U);
}

BOOST_AUTO_TEST_CASE(an_oom_kill_of_a_descendant_is_told_without_a_probe_too) {
  run({make_service("web", 1)});
  life("web").oom_kills = 1;
  pass(15s);
  BOOST_TEST(seen.count(event_kind::oom) == 1U);
  BOOST_TEST(status("web").incarnation.value() == 1U);
}

BOOST_AUTO_TEST_CASE(output_that_cannot_be_kept_is_told_once_in_a_while) {
  run({make_service("web", 1)});
  for (int i = 0; i < 60; ++i) {
    world.logs.lost += 1;
    life("web").print("a line\n");
    pass(1s);
  }
  const auto told = std::count_if(seen.events.begin(), seen.events.end(),
                                  [](const event& e) { return e.to == "log_lost"; });
  BOOST_TEST(told == 1);
  BOOST_TEST(state("web") == "serving");
}

BOOST_AUTO_TEST_CASE(a_zero_cool_gives_up_for_good) {
  service_spec bad = make_service("bad", 1);
  bad.restart.attempts = 1;
  bad.restart.cool = 0s;
  run({bad});
  life("bad").end(exited{1});
  pass(10s);
  life("bad").end(exited{1});
  pass(24h);
  BOOST_TEST(state("bad") == "held");
  BOOST_TEST(world.host.lives.size() == 2U);
}

BOOST_AUTO_TEST_CASE(stop_wins_from_every_state) {
  service_spec loading = make_probed("loading", 1, 9000);
  service_spec crashed = make_service("crashed", 1);
  crashed.restart.backoff.base = 30s;
  service_spec held = make_service("held", 1);
  held.command = {"absent"};
  world.host.on_spawn = [](test::fake_life& born) -> std::optional<spawn_error> {
    born.answer = answer::loading;
    if (born.spec.argv[0] == "absent") return spawn_error{system_error(ENOENT), "exec", "absent"};
    return std::nullopt;
  };
  run({loading, crashed, held, make_service("serving", 1)});
  life("crashed").end(exited{1});
  pass(1s);
  BOOST_TEST(state("loading") == "starting");
  BOOST_TEST(state("crashed") == "waiting");
  BOOST_TEST(state("held") == "held");
  for (const char* name : {"loading", "crashed", "held", "serving"}) {
    const command_result stopped = finish(cluster->stop(name), 1s);
    BOOST_TEST((stopped.status == command_result::outcome::done));
    BOOST_TEST(state(name) == "stopped");
  }
  pass(1h);
  BOOST_TEST(world.host.alive() == 0U);
}

BOOST_AUTO_TEST_CASE(start_during_a_slow_stop_waits_for_it) {
  run({make_service("web", 1)});
  life("web").ignores_term = true;
  root<command_result> stopping(world.executor, cluster->stop("web"));
  pass(1s);
  BOOST_TEST(state("web") == "stopping");
  root<command_result> starting(world.executor, cluster->start("web", true));
  pass(1s);
  BOOST_TEST(!starting.done());
  BOOST_TEST(world.host.lives.size() == 1U);
  pass(10s);
  BOOST_REQUIRE(stopping.done());
  BOOST_REQUIRE(starting.done());
  BOOST_TEST((stopping.take().status == command_result::outcome::done));
  BOOST_TEST((starting.take().status == command_result::outcome::done));
  BOOST_TEST(world.host.alive() == 1U);
  BOOST_TEST(world.host.lives.size() == 2U);
}

BOOST_AUTO_TEST_CASE(fifty_concurrent_restarts_are_one) {
  run({make_probed("web", 1, 9000)});
  life("web").ignores_term = true;
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  std::vector<std::unique_ptr<root<command_result>>> commands;
  for (int i = 0; i < 50; ++i) {
    commands.push_back(std::make_unique<root<command_result>>(world.executor, cluster->restart("web", true)));
    pass(250ms);
  }
  BOOST_TEST(state("web") == "starting");
  life("web").answer = answer::ok;
  pass(5s);
  for (auto& command : commands) {
    BOOST_REQUIRE(command->done());
    BOOST_TEST((command->take().status == command_result::outcome::done));
  }
  BOOST_TEST(world.host.lives.size() == 2U);
  BOOST_TEST(world.host.alive() == 1U);
}

BOOST_AUTO_TEST_CASE(a_command_that_does_not_get_there_says_why) {
  run({make_service("web", 1)});
  finish(cluster->stop("web"), 1s);
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  const command_result lost = finish(cluster->start("wbe", true), 1s);
  BOOST_TEST((lost.status == command_result::outcome::unknown_name));
  BOOST_TEST(lost.message.find("did you mean web?") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_port_taken_by_a_silent_stranger_is_waited_for_and_said) {
  world.network.strangers[9000] = answer::silent;
  run({make_probed("llama", 1, 9000)});
  pass(10s);
  BOOST_TEST(state("llama") == "waiting");
  BOOST_TEST((status("llama").cause == cause::port_taken));
  BOOST_TEST(status("llama").reason.find("pid 4711 (stranger)") != std::string::npos);
  BOOST_TEST(world.host.lives.empty());
  pass(10min);
  BOOST_TEST(seen.count(event_kind::alert) == 1U);
  world.network.strangers.clear();
  pass(1min);
  BOOST_TEST(state("llama") == "serving");
}

BOOST_AUTO_TEST_CASE(a_port_served_by_a_stranger_is_watched_and_commands_are_refused) {
  world.network.strangers[9000] = answer::ok;
  run({make_probed("llama", 1, 9000)});
  pass(10s);
  BOOST_TEST(state("llama") == "foreign");
  BOOST_TEST(seen.count(event_kind::foreign) == 1U);
  for (auto* command : {"start", "stop", "restart"}) {
    const std::string name = command;
    const command_result refused = name == "start"  ? finish(cluster->start("llama", true), 1s)
                                   : name == "stop" ? finish(cluster->stop("llama"), 1s)
                                                    : finish(cluster->restart("llama", true), 1s);
    BOOST_TEST((refused.status == command_result::outcome::refused));
    BOOST_TEST(refused.message.find("4711") != std::string::npos);
  }
  world.network.strangers.clear();
  pass(10s);
  BOOST_TEST(state("llama") == "serving");
}

BOOST_AUTO_TEST_CASE(a_lying_probe_takes_down_one_at_a_time_and_a_common_cause_is_suspected) {
  run({make_probed("llama", 4, 9000)});
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::refused;
    return std::nullopt;
  };
  for (const auto& life : world.host.lives) life->answer = answer::refused;
  std::size_t fewest = 4;
  for (int second = 0; second < 60; ++second) {
    pass(1s);
    fewest = std::min(fewest, world.host.alive());
  }
  BOOST_TEST(fewest >= 3U);
  BOOST_TEST(seen.count(event_kind::correlated_failure) == 1U);
  BOOST_TEST(cluster->status().services[0].serving == 3U);
}

BOOST_AUTO_TEST_CASE(exits_are_exempt_from_the_disruption_budget) {
  run({make_service("web", 4)});
  pass(2min);
  for (const auto& life : std::vector(world.host.lives)) life->end(exited{1});
  pass(1ms);
  BOOST_TEST(cluster->status().services[0].serving == 4U);
}

BOOST_AUTO_TEST_CASE(who_needs_a_service_waits_until_it_serves_degrades_when_it_is_lost_and_stops_first) {
  service_spec db = make_probed("db", 1, 9000);
  service_spec web = make_service("web", 1);
  web.needs = {"db"};
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  run({web, db});
  pass(5s);
  BOOST_TEST(state("web") == "waiting");
  BOOST_TEST(status("web").reason == "waits for db to serve");
  life("db").answer = answer::ok;
  pass(5s);
  BOOST_TEST(state("web") == "serving");
  life("db").end(exited{1});
  pass(1ms);
  BOOST_TEST((status("web").health == health_status::degraded));
  BOOST_TEST((status("web").cause == cause::dependency_lost));
  BOOST_TEST(state("web") == "serving");
  pass(2s);
  life("db").answer = answer::ok;
  pass(2s);
  BOOST_TEST((status("web").health == health_status::healthy));

  life("web").ignores_term = true;
  cluster->request_stop("test");
  pass(5s);
  BOOST_TEST(state("web") == "stopping");
  BOOST_TEST(state("db") == "serving");
  pass(10s);
  BOOST_TEST(running->done());
  BOOST_TEST(world.host.alive() == 0U);
}

BOOST_AUTO_TEST_CASE(who_comes_after_a_service_waits_for_its_start_only) {
  service_spec db = make_probed("db", 2, 9000);
  db.stagger = 5s;
  service_spec web = make_service("web", 1);
  web.after = {"db"};
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  run({web, db});
  pass(4s);
  BOOST_TEST(state("web") == "waiting");
  BOOST_TEST(status("web").reason == "waits for db to be started");
  life("db-1").end(exited{1});
  pass(4s);
  BOOST_TEST(state("db-2") == "starting");
  BOOST_TEST(state("web") == "serving");
}

BOOST_AUTO_TEST_CASE(starts_keep_to_the_concurrency_and_the_stagger) {
  service_spec llama = make_probed("llama", 6, 9000);
  llama.stagger = 3s;
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  spec.start_concurrency = 2;
  spec.name = "test";
  spec.services = {llama};
  cluster = std::make_unique<supervisor>(world.view, spec);
  cluster->subscribe(seen);
  running.emplace(world.executor, cluster->run(), &cancellation);
  world.executor.run_for(1s);
  BOOST_TEST(world.host.lives.size() == 1U);
  pass(3s);
  BOOST_TEST(world.host.lives.size() == 2U);
  pass(20s);
  BOOST_TEST(world.host.lives.size() == 2U);
  for (const auto& life : world.host.lives) life->answer = answer::ok;
  pass(1500ms);
  BOOST_TEST(world.host.lives.size() == 3U);
}

BOOST_AUTO_TEST_CASE(nobody_is_judged_for_the_time_the_supervisor_itself_was_asleep) {
  service_spec beating = make_service("beating", 1);
  beating.heartbeat = heartbeat_spec();
  run({make_probed("llama", 3, 9000), beating});
  cluster->heartbeat("beating");
  for (int i = 0; i < 5; ++i) {
    world.executor.oversleep(1min);
    pass(10ms);
  }
  BOOST_TEST(seen.count(event_kind::action) == 0U);
  BOOST_TEST(world.host.lives.size() == 4U);
  BOOST_TEST(seen.count(event_kind::supervisor) == 1U + 5U);
}

BOOST_AUTO_TEST_CASE(heartbeats_that_stop_degrade_and_then_kill) {
  service_spec beating = make_service("beating", 1);
  beating.heartbeat = heartbeat_spec();
  run({beating});
  for (int i = 0; i < 10; ++i) {
    pass(10s);
    BOOST_TEST(cluster->heartbeat("beating"));
  }
  BOOST_TEST((status("beating").health == health_status::healthy));
  pass(21s);
  BOOST_TEST((status("beating").health == health_status::degraded));
  pass(25s);
  BOOST_TEST(status("beating").incarnation.value() == 2U);
  BOOST_TEST((status("beating").last_cause == cause::no_heartbeat));
}

BOOST_AUTO_TEST_CASE(notifications_count_only_from_the_tree_and_when_well_formed) {
  service_spec beating = make_service("beating", 1);
  beating.heartbeat = heartbeat_spec();
  run({beating});
  pass(20500ms);
  BOOST_TEST((status("beating").health == health_status::degraded));
  cluster->on_notify("WATCHDOG=1", 1);
  cluster->on_notify("\x01\x02garbage", life("beating").pid);
  cluster->on_notify("WATCHDOG=1", 0);
  BOOST_TEST(cluster->status().reports_rejected == 3U);
  BOOST_TEST((status("beating").health == health_status::degraded));
  cluster->on_notify("WATCHDOG=1\n", life("beating").pid + 100'000);
  cluster->on_notify("WATCHDOG=1\n", life("beating").pid);
  BOOST_TEST((status("beating").health == health_status::healthy));
}

BOOST_AUTO_TEST_CASE(reported_failures_make_an_instance_unhealthy) {
  run({make_service("web", 1)});
  for (int i = 0; i < 3; ++i) BOOST_TEST(cluster->report_request("web", 10ms, false));
  BOOST_TEST(!cluster->report_request("nobody", 10ms, false));
  BOOST_TEST(!cluster->report_request("web", -1ms, false));
  pass(1s);
  BOOST_TEST(status("web").incarnation.value() == 2U);
}

BOOST_AUTO_TEST_CASE(a_second_stop_kills_at_once) {
  run({make_service("web", 3)});
  for (const auto& life : world.host.lives) life->ignores_term = true;
  cluster->request_stop("SIGINT");
  pass(1s);
  BOOST_TEST(world.host.alive() == 3U);
  cluster->request_stop("SIGINT");
  pass(10ms);
  BOOST_TEST(world.host.alive() == 0U);
  BOOST_TEST(running->done());
}

BOOST_AUTO_TEST_CASE(cancelling_the_supervisor_stops_its_cluster_in_order) {
  run({make_service("web", 3)});
  cancellation.cancel();
  pass(1s);
  BOOST_TEST(running->done());
  BOOST_TEST(world.host.alive() == 0U);
  for (const auto& life : world.host.lives) BOOST_TEST(life->signals.front() == SIGTERM);
}

BOOST_AUTO_TEST_CASE(what_falls_while_those_who_need_it_are_stopped_is_not_started_again) {
  service_spec db = make_service("db", 1);
  service_spec web = make_service("web", 1);
  web.needs = {"db"};
  run({db, web});
  life("web").ignores_term = true;
  cluster->request_stop("test");
  pass(1s);
  life("db").end(exited{1});
  pass(5s);
  BOOST_TEST(world.host.spawns_of("db") == 1U);
  BOOST_TEST(state("db") == "stopped");
  pass(6s);
  BOOST_TEST(running->done());
}

BOOST_AUTO_TEST_CASE(what_waits_for_its_restart_when_the_end_comes_is_not_started_any_more) {
  service_spec db = make_service("db", 1);
  service_spec web = make_service("web", 1);
  web.after = {"db"};
  run({db, web});
  life("web").ignores_term = true;
  life("db").end(exited{1});
  pass(10ms);
  BOOST_TEST(state("db") == "waiting");
  cluster->request_stop("test");
  pass(9s);
  BOOST_TEST(state("web") == "stopping");
  BOOST_TEST(world.host.spawns_of("db") == 1U);
  pass(2s);
  BOOST_TEST(running->done());
}

BOOST_AUTO_TEST_CASE(what_survives_sigkill_is_stuck_in_the_kernel_and_not_doubled) {
  run({make_service("web", 1)});
  life("web").unkillable = true;
  life("web").ignores_term = true;
  root<command_result> restarting(world.executor, cluster->restart("web", true));
  pass(2min);
  BOOST_TEST(state("web") == "held");
  BOOST_TEST((status("web").cause == cause::stuck_in_kernel));
  BOOST_TEST(world.host.lives.size() == 1U);
  BOOST_REQUIRE(restarting.done());
  BOOST_TEST((restarting.take().status == command_result::outcome::failed));
  life("web").unkillable = false;
  const command_result started = finish(cluster->start("web", true), 10s);
  BOOST_TEST((started.status == command_result::outcome::done));
  BOOST_TEST(world.host.alive() == 1U);
}

BOOST_AUTO_TEST_CASE(a_port_that_is_taken_while_its_instance_waits_for_its_staggered_turn_is_left_alone) {
  service_spec web = make_probed("web", 2, 9000);
  web.stagger = 5s;
  run({web});
  pass(1s);
  world.network.strangers[9001] = answer::ok;
  pass(10s);
  BOOST_TEST(world.host.spawns_of("web-2") == 0U);
  BOOST_TEST(state("web-2") == "foreign");
}

BOOST_AUTO_TEST_CASE(who_is_stopped_while_asking_what_holds_its_port_says_no_more_about_it) {
  service_spec web = make_probed("web", 1, 9000);
  web.restart.attempts = 0;
  world.network.strangers[9000] = answer::silent;
  run({web});
  pass(500ms);
  const command_result stopped = finish(cluster->stop("web"), 100ms);
  BOOST_TEST((stopped.status == command_result::outcome::done));
  pass(1min);
  BOOST_TEST(seen.last(event_kind::action)->action == "stop");
  BOOST_TEST(seen.count(event_kind::alert) == 0U);
}

BOOST_AUTO_TEST_CASE(fifty_restarts_of_one_that_waits_for_its_dependency_are_told_once) {
  service_spec app = make_service("app", 1);
  app.needs = {"web"};
  run({make_probed("web", 1, 9000), app});
  finish(cluster->stop("web"), 1s);
  finish(cluster->stop("app"), 1s);
  const std::size_t before = seen.count(event_kind::action);
  for (int i = 0; i < 50; ++i) finish(cluster->restart("app", false), 0s);
  pass(1s);
  BOOST_TEST(state("app") == "waiting");
  BOOST_TEST(seen.count(event_kind::action) == before + 1);
}

BOOST_AUTO_TEST_CASE(a_port_that_is_taken_while_its_instance_waits_for_a_start_slot_is_left_alone) {
  world.host.on_spawn = [](test::fake_life& born) {
    born.answer = answer::loading;
    return std::nullopt;
  };
  spec.start_concurrency = 1;
  run({make_probed("web", 2, 9000)});
  pass(1s);
  world.network.strangers[9001] = answer::ok;
  life("web-1").answer = answer::ok;
  pass(10s);
  BOOST_TEST(world.host.spawns_of("web-2") == 0U);
  BOOST_TEST(state("web-2") == "foreign");
}

BOOST_AUTO_TEST_CASE(what_was_stuck_and_is_gone_by_now_can_be_stopped) {
  run({make_service("web", 1)});
  life("web").unkillable = true;
  life("web").ignores_term = true;
  root<command_result> restarting(world.executor, cluster->restart("web", true));
  pass(1min);
  BOOST_TEST(state("web") == "held");
  life("web").end(signalled{SIGKILL, false});
  const command_result stopped = finish(cluster->stop("web"), 1s);
  BOOST_TEST((stopped.status == command_result::outcome::done));
  BOOST_TEST(state("web") == "stopped");
}

BOOST_AUTO_TEST_CASE(output_is_kept_line_by_line_and_a_partial_last_line_too) {
  run({make_service("web", 1)});
  life("web").print("one\ntw");
  life("web").print("o\nthree");
  life("web").end(exited{1});
  pass(1ms);
  BOOST_TEST(world.logs.lines["web"] == (std::vector<std::string>{"one", "two", "three"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_probe_that_cannot_be_run_is_no_verdict) {
  bool broken = false;
  world.host.on_spawn = [&](test::fake_life& born) -> std::optional<spawn_error> {
    if (born.spec.name != "web/probe") return std::nullopt;
    if (broken) return spawn_error{system_error(EMFILE), "fork", ""};
    born.end(exited{0});
    return std::nullopt;
  };
  service_spec web = make_service("web", 1);
  web.health = probe_spec();
  web.health->type = probe_spec::kind::exec;
  web.health->exec_argv = {"check"};
  web.health->interval = 2s;
  run({web});
  pass(10s);
  BOOST_TEST(state("web") == "serving");
  broken = true;
  pass(10min);
  BOOST_TEST(status("web").incarnation.value() == 1U);
  BOOST_TEST(seen.count(event_kind::action) == 0U);
  BOOST_TEST(seen.count(event_kind::probe_error) > 10U);
}

BOOST_AUTO_TEST_CASE(hangs_far_apart_do_not_add_up) {
  run({make_probed("llama", 1, 9000)});
  for (std::uint64_t hang = 1; hang <= 10; ++hang) {
    pass(5min);
    BOOST_TEST(status("llama").attempt == 0U);
    life("llama").answer = answer::silent;
    pass(30s);
    BOOST_TEST(status("llama").incarnation.value() == hang + 1);
  }
  BOOST_TEST(seen.count(event_kind::alert) == 0U);
}

BOOST_AUTO_TEST_CASE(a_sleeping_supervisor_does_not_judge_by_memory_or_reports_either) {
  service_spec web = make_probed("web", 1, 9000);
  web.memory.soft_bytes = 1 << 30;
  run({web});
  pass(10s);
  for (int i = 0; i < 20; ++i) {
    world.executor.oversleep(1min);
    cluster->report_request("web", 1ms, true);
    pass(1s);
  }
  BOOST_TEST(status("web").incarnation.value() == 1U);
}

BOOST_AUTO_TEST_CASE(a_person_who_restarts_what_is_being_stopped_for_sickness_is_obeyed) {
  service_spec web = make_probed("web", 1, 9000);
  web.restart.attempts = 0;
  run({web});
  life("web").answer = answer::silent;
  life("web").ignores_term = true;
  pass(8s);
  BOOST_TEST(state("web") == "stopping");
  const command_result restarted = finish(cluster->restart("web", true), 20s);
  BOOST_TEST((restarted.status == command_result::outcome::done));
  BOOST_TEST(state("web") == "serving");
}

BOOST_AUTO_TEST_CASE(a_restart_while_the_port_is_taken_fails_each_time_and_says_so) {
  run({make_probed("web", 1, 9000)});
  finish(cluster->stop("web"), 1s);
  world.network.strangers[9000] = answer::silent;
  for (int i = 0; i < 3; ++i) {
    const command_result restarted = finish(cluster->restart("web", true), 10s);
    BOOST_TEST((restarted.status == command_result::outcome::failed));
    BOOST_TEST(restarted.message.find("port 9000") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_spawn_that_fails_is_told_to_whoever_waits) {
  run({make_service("web", 1)});
  finish(cluster->stop("web"), 1s);
  world.host.on_spawn = [](test::fake_life&) -> std::optional<spawn_error> {
    return spawn_error{system_error(EAGAIN), "fork", ""};
  };
  const command_result started = finish(cluster->start("web", true), 100ms);
  BOOST_TEST((started.status == command_result::outcome::failed));
}

BOOST_AUTO_TEST_CASE(what_needs_two_services_is_well_only_when_both_serve) {
  service_spec web = make_service("web", 1);
  web.needs = {"a", "b"};
  service_spec a = make_service("a", 1);
  service_spec b = make_service("b", 1);
  a.restart.backoff.base = b.restart.backoff.base = 5s;
  run({a, b, web});
  life("b").end(exited{1});
  life("a").end(exited{1});
  pass(1ms);
  BOOST_TEST((status("web").health == health_status::degraded));
  finish(cluster->start("a", true), 1s);
  BOOST_TEST((status("web").health == health_status::degraded));
  BOOST_TEST(status("web").reason == "b does not serve");
  finish(cluster->start("b", true), 1s);
  BOOST_TEST((status("web").health == health_status::healthy));
}

BOOST_AUTO_TEST_CASE(a_spec_that_cannot_work_is_refused_with_every_fault) {
  spec.name = "test";
  spec.services = {make_service("web", 1)};
  spec.services[0].needs = {"web"};
  spec.services[0].restart.backoff.cap = -1s;
  const auto says_both = [](const std::invalid_argument& error) {
    const std::string text = error.what();
    return text.find("needs") != std::string::npos && text.find("cap") != std::string::npos;
  };
  BOOST_CHECK_EXCEPTION(supervisor(world.view, spec), std::invalid_argument, says_both);
}

BOOST_AUTO_TEST_CASE(memory_over_the_hard_limit_restarts) {
  service_spec web = make_service("web", 1);
  web.memory.soft_bytes = 10 << 20;
  web.memory.hard_bytes = 20 << 20;
  run({web});
  life("web").rss_bytes = 15 << 20;
  pass(5s);
  BOOST_TEST((status("web").health == health_status::degraded));
  life("web").rss_bytes = 30 << 20;
  pass(5s);
  BOOST_TEST((status("web").last_cause == cause::memory_limit));
  BOOST_TEST(status("web").incarnation.value() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
