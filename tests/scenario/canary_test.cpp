// A mistake put in for each oracle on processes, starts and stops. What each is like is said by the test's name.
#include "canary.hpp"

#include <csignal>
#include <map>
#include <memory>
#include <string>

#include "hale/sim/oracle/process_oracles.hpp"
#include "lying_world.hpp"

using namespace canary;
using hale::sim::fault_kind;
using hale::sim::stage_options;

namespace {

/// Workers without a port that fall over and over again: nothing heals while a run is as short as this.
hale::service_spec fragile_workers(std::size_t count) {
  hale::service_spec service = servers("worker", count, 9000);
  service.command = {"worker"};
  service.base_port = 0;
  service.health.reset();
  for (hale::instance_spec& one : service.instances) one.port = 0;
  service.restart.attempts = 1000;
  service.restart.reset_after = 12h;
  return service;
}

/// Deceives by what `wrap` makes of each process.
template <class Wrap>
std::function<void(stage_options&)> with_processes(Wrap wrap) {
  return [wrap](stage_options& stage) {
    stage.deceive = [wrap](hale::sim::seat& at) {
      auto told = std::make_shared<told_world>(at);
      told->host->wrap = [wrap, &at](std::unique_ptr<hale::process> truly) { return wrap(at, std::move(truly)); };
      return as_world(told);
    };
  };
}

std::function<void(stage_options&)> with_ports_called_free() {
  return [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      auto told = std::make_shared<told_world>(at);
      told->network.says_bindable = true;
      return as_world(told);
    };
  };
}

std::function<void(stage_options&)> with_misread(void (*how)(hale::service_spec&)) {
  return [how](stage_options& stage) {
    stage.misread = [how](hale::cluster_spec& cluster) {
      for (hale::service_spec& one : cluster.services) how(one);
    };
  };
}

/// Says that all of the tree is gone once its leader is.
class forgets_the_rest final : public told_process {
 public:
  using told_process::told_process;
  bool tree_alive() const noexcept override { return false; }
};

/// Says that it has signalled and killed, and has not.
class spares_the_tree final : public told_process {
 public:
  using told_process::told_process;
  std::error_code signal(int, hale::signal_reach) noexcept override { return {}; }
  bool tree_alive() const noexcept override { return false; }
  hale::task<std::error_code> kill_tree(hale::deadline) override { co_return std::error_code(); }
};

/// Never learns that its process has ended.
class waits_for_ever final : public told_process {
 public:
  waits_for_ever(const hale::clock& time, std::unique_ptr<hale::process> truly)
      : told_process(std::move(truly)), clock_(time) {}
  hale::task<hale::result<hale::exit_status>> wait(hale::deadline limit) override {
    const std::error_code cancelled = co_await clock_.sleep_until(limit.at());
    if (cancelled) co_return cancelled;
    co_return hale::errc::timed_out;
  }

 private:
  const hale::clock& clock_;
};

/// Kills the pid it remembers once more before it starts the same again.
class makes_sure final : public told_host {
 public:
  using told_host::told_host;
  hale::task<hale::result<std::unique_ptr<hale::process>, hale::spawn_error>> spawn(hale::process_spec spec) override {
    const std::string name = spec.name;
    const auto remembered = pids_.find(name);
    if (remembered != pids_.end()) {
      const auto& processes = seat_.where().processes();
      const auto found = processes.find(remembered->second);
      if (found != processes.end()) seat_.where().deliver(*found->second, SIGKILL);
    }
    auto spawning = seat_.host().spawn(std::move(spec));
    auto spawned = co_await std::move(spawning);
    if (spawned) pids_[name] = (*spawned)->pid();
    co_return spawned;
  }

 private:
  std::map<std::string, std::int64_t, std::less<>> pids_;
};

/// Starts it again when it is let go.
class comes_back final : public told_process {
 public:
  comes_back(hale::sim::seat& at, std::unique_ptr<hale::process> truly) : told_process(std::move(truly)), seat_(at) {
    const auto found = at.where().processes().find(pid());
    if (found != at.where().processes().end()) spec_ = found->second->spec();
  }
  ~comes_back() override {
    if (!seat_.runs_on().killed()) seat_.runs_on().start(again(seat_, spec_));
  }

 private:
  static hale::task<void> again(hale::sim::seat& at, hale::process_spec spec) {
    co_await at.where().clock().sleep_for(50ms);
    auto spawning = at.host().spawn(std::move(spec));
    const auto spawned = co_await std::move(spawning);
  }

  hale::sim::seat& seat_;
  hale::process_spec spec_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(oracle_1_sees_a_second_incarnation_on_the_port_of_the_first) {
  auto options = short_run(cluster_of({servers("server", 2, 8000)}), {fault_kind::hang});
  options.with_oracles = false;
  options.more_oracles = [](hale::sim::judge& to) { to.add(hale::sim::make_one_listener(to)); };
  options.adjust = [](stage_options& stage) { stage.reuse_port = true; };
  check_caught(1, options, [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      auto told = std::make_shared<told_world>(at);
      told->network.says_bindable = true;
      told->host->wrap = [](std::unique_ptr<hale::process> truly) {
        return std::make_unique<spares_the_tree>(std::move(truly));
      };
      return as_world(told);
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_2_sees_a_grandchild_that_is_forgotten) {
  const auto options =
      short_run(cluster_of({fragile_workers(2)}), {fault_kind::grandchild, fault_kind::crash});
  check_caught(2, options, with_processes([](hale::sim::seat&, std::unique_ptr<hale::process> truly) {
                 return std::make_unique<forgets_the_rest>(std::move(truly));
               }));
}

BOOST_AUTO_TEST_CASE(oracle_3_sees_restarts_without_a_wait) {
  const auto options = short_run(cluster_of({fragile_workers(2)}), {fault_kind::crash});
  check_caught(3, options, with_misread([](hale::service_spec& one) {
                 one.restart.backoff.base = 1ms;
                 one.restart.backoff.cap = 1ms;
               }));
}

BOOST_AUTO_TEST_CASE(oracle_4_sees_a_stranger_killed_by_a_pid_remembered) {
  hale::service_spec workers = fragile_workers(3);
  workers.restart.backoff.base = 30s;
  const auto options =
      short_run(cluster_of({workers}), {fault_kind::crash, fault_kind::memory_hog, fault_kind::pid_reuse});
  check_caught(4, options, [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      return as_world(std::make_shared<told_world>(at, std::make_unique<makes_sure>(at)));
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_5_sees_an_exit_that_is_not_noticed) {
  const auto options = short_run(cluster_of({fragile_workers(1)}), {fault_kind::crash});
  check_caught(5, options, with_processes([](hale::sim::seat& at, std::unique_ptr<hale::process> truly) {
                 return std::make_unique<waits_for_ever>(at.where().clock(), std::move(truly));
               }));
}

BOOST_AUTO_TEST_CASE(oracle_5_sees_an_exit_told_of_another_incarnation) {
  const auto options = short_run(cluster_of({fragile_workers(1)}), {fault_kind::crash});
  check_caught(5, options, [](stage_options& stage) {
    stage.forge = [](hale::event& what) {
      if (what.kind == hale::event_kind::exit) {
        what.incarnation = hale::incarnation_number(what.incarnation.value() + 1);
      }
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_6_sees_a_grandchild_that_outlives_the_end) {
  auto options = short_run(cluster_of({fragile_workers(1)}), {}, 3min);
  options.scenario = [](hale::sim::stage& play, hale::sim::injector& faults) -> hale::task<void> {
    faults.inject(fault_kind::grandchild, "worker", 1min);
    co_await play.place().clock().sleep_for(1s);
    faults.inject(fault_kind::restart_command, "worker", hale::duration::zero());
  };
  check_caught(6, options, with_processes([](hale::sim::seat&, std::unique_ptr<hale::process> truly) {
                 return std::make_unique<forgets_the_rest>(std::move(truly));
               }));
}

BOOST_AUTO_TEST_CASE(oracle_7_sees_a_process_that_is_started_again_after_the_stop) {
  const auto options = short_run(cluster_of({servers("server", 2, 8000)}), {}, 3min);
  check_caught(7, options, with_processes([](hale::sim::seat& at, std::unique_ptr<hale::process> truly) {
                 return std::make_unique<comes_back>(at, std::move(truly));
               }));
}

BOOST_AUTO_TEST_CASE(oracle_8_sees_a_kill_before_the_timeout) {
  const auto options = short_run(cluster_of({servers("server", 1, 8000)}), {fault_kind::restart_command}, 3min);
  check_caught(8, options, with_misread([](hale::service_spec& one) { one.stop.timeout = 1ms; }));
}

BOOST_AUTO_TEST_CASE(oracle_12_sees_restarts_that_never_end) {
  hale::service_spec service = servers("server", 2, 8000);
  service.restart.attempts = 2;
  const auto options =
      short_run(cluster_of({service}), {fault_kind::crash, fault_kind::spawn_error, fault_kind::exec_error});
  check_caught(12, options, with_misread([](hale::service_spec& one) { one.restart.attempts = 1000; }));
}

BOOST_AUTO_TEST_CASE(oracle_15_sees_a_start_before_what_is_needed) {
  hale::service_spec app = servers("app", 1, 9000);
  app.needs = {"base"};
  const auto options = short_run(cluster_of({servers("base", 1, 8000), app}), {}, 3min);
  check_caught(15, options, with_misread([](hale::service_spec& one) { one.needs.clear(); }));
}

BOOST_AUTO_TEST_CASE(oracle_15_sees_a_stop_before_those_who_depend_on_it) {
  hale::service_spec app = servers("app", 1, 9000);
  app.after = {"base"};
  const auto options = short_run(cluster_of({servers("base", 1, 8000), app}), {}, 3min);
  check_caught(15, options, with_misread([](hale::service_spec& one) { one.after.clear(); }));
}

BOOST_AUTO_TEST_CASE(oracle_22_sees_a_start_on_a_stolen_port) {
  const auto options = short_run(cluster_of({servers("server", 2, 8000)}), {fault_kind::port_thief});
  check_caught(22, options, with_ports_called_free());
}

BOOST_AUTO_TEST_CASE(oracle_22_sees_a_theft_that_nobody_looks_for) {
  hale::service_spec service = servers("server", 2, 8000);
  service.restart.reset_after = 12h;
  const auto options = short_run(cluster_of({service}), {fault_kind::port_thief});
  check_caught(22, options, with_misread([](hale::service_spec& one) {
                 one.restart.backoff.base = 20min;
                 one.restart.backoff.cap = 20min;
               }));
}
