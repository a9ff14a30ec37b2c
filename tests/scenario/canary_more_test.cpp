// A mistake put in for each oracle on what is told, on what must come about, and on what must not. What each mistake is
// like is said by the test's name.
#include "canary.hpp"

#include <csignal>
#include <memory>
#include <string>

#include "hale/async/suspension.hpp"
#include "hale/base/error.hpp"
#include "lying_world.hpp"

using namespace canary;
using hale::sim::fault_kind;
using hale::sim::stage_options;

namespace {

using misreading = void (*)(hale::cluster_spec&);

std::function<void(stage_options&)> that_misreads(misreading how) {
  return [how](stage_options& stage) { stage.misread = how; };
}

/// Deceives by a network of its own.
template <class Network>
std::function<void(stage_options&)> with_network() {
  struct netted_world {
    explicit netted_world(hale::sim::seat& at)
        : network(at), whole{at.world().executor, at.world().clock, at.host(), network, at.world().random,
                             at.world().logs} {}
    Network network;
    hale::world whole;
  };
  return [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      auto told = std::make_shared<netted_world>(at);
      return std::shared_ptr<hale::world>(told, &told->whole);
    };
  };
}

hale::task<void> sleep_for_a_year(const hale::clock& time) { co_await time.sleep_for(24h * 365); }

class leaks_a_timer final : public told_network {
 public:
  explicit leaks_a_timer(hale::sim::seat& at) : told_network(at.world().network), seat_(at) {}
  hale::task<hale::result<std::unique_ptr<hale::byte_stream>>> connect(hale::endpoint to,
                                                                       hale::deadline limit) override {
    seat_.runs_on().start(sleep_for_a_year(seat_.where().clock()));
    return told_network::connect(std::move(to), limit);
  }

 private:
  hale::sim::seat& seat_;
};

class spins_after_a_while final : public told_network {
 public:
  explicit spins_after_a_while(hale::sim::seat& at) : told_network(at.world().network) {}
  hale::task<hale::result<std::unique_ptr<hale::byte_stream>>> connect(hale::endpoint to,
                                                                       hale::deadline limit) override {
    while (++asked_ > 100) co_await hale::yield();
    auto connecting = told_network::connect(std::move(to), limit);
    co_return co_await std::move(connecting);
  }

 private:
  int asked_ = 0;
};

/// Finds nobody at home once the quiet has begun.
class refuses_in_the_end final : public told_network {
 public:
  explicit refuses_in_the_end(hale::sim::seat& at)
      : told_network(at.world().network), time_(at.where().clock()), from_(time_.now() + 14min) {}
  hale::task<hale::result<std::unique_ptr<hale::byte_stream>>> connect(hale::endpoint to,
                                                                       hale::deadline limit) override {
    if (time_.now() > from_) co_return hale::system_error(ECONNREFUSED);
    auto connecting = told_network::connect(std::move(to), limit);
    co_return co_await std::move(connecting);
  }

 private:
  const hale::clock& time_;
  hale::instant from_;
};

/// The second spawn of anything never returns.
class never_spawns_twice final : public told_host {
 public:
  using told_host::told_host;
  hale::task<hale::result<std::unique_ptr<hale::process>, hale::spawn_error>> spawn(hale::process_spec spec) override {
    if (++spawned_ > 3) {
      auto waiting = sleep_for_a_year(seat_.where().clock());
      co_await std::move(waiting);
    }
    auto spawning = told_host::spawn(std::move(spec));
    co_return co_await std::move(spawning);
  }

 private:
  int spawned_ = 0;
};

class says_all_ended_well final : public told_process {
 public:
  using told_process::told_process;
  hale::task<hale::result<hale::exit_status>> wait(hale::deadline limit) override {
    auto waiting = told_process::wait(limit);
    const auto truly = co_await std::move(waiting);
    if (!truly) co_return truly.error();
    co_return hale::exit_status(hale::exited{0});
  }
};

/// Takes the wall clock for the one that counts.
class wall_clock_for_all final : public hale::clock {
 public:
  explicit wall_clock_for_all(const hale::clock& truly) : truly_(truly), began_(truly.wall()), at_(truly.now()) {}
  hale::instant now() const noexcept override { return at_ + (truly_.wall() - began_); }
  hale::wall_time wall() const noexcept override { return truly_.wall(); }

 private:
  const hale::clock& truly_;
  hale::wall_time began_;
  hale::instant at_;
};

hale::cluster_spec three_servers() { return cluster_of({servers("llama", 3, 8000)}); }

}  // namespace

BOOST_AUTO_TEST_CASE(oracle_16_sees_a_timer_leaked_with_every_probe) {
  check_caught(16, short_run(three_servers(), {}, 60min), with_network<leaks_a_timer>());
}

BOOST_AUTO_TEST_CASE(oracle_17_sees_a_step_left_out_of_the_story) {
  check_caught(17, short_run(three_servers(), {fault_kind::crash}), [](stage_options& stage) {
    stage.forge = [](hale::event& what) {
      const bool starts_again = what.kind == hale::event_kind::state && what.to == "starting";
      if (starts_again && what.incarnation.value() > 1) what.to = "serving";
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_18_sees_a_start_that_never_comes) {
  check_caught(18, short_run(three_servers(), {fault_kind::crash}, 60min), [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      return as_world(std::make_shared<told_world>(at, std::make_unique<never_spawns_twice>(at)));
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_19_sees_that_failed_probes_are_not_counted) {
  check_caught(19, short_run(three_servers(), {fault_kind::hang}), that_misreads([](hale::cluster_spec& cluster) {
                 cluster.services.front().health->failures = 1000;
                 cluster.services.front().health->interval = 30min;
               }));
}

BOOST_AUTO_TEST_CASE(oracle_20_sees_that_failed_requests_do_not_matter) {
  hale::sim::run_options options = short_run(three_servers(), {fault_kind::grey}, 60min);
  options.traffic = true;
  check_caught(20, options, that_misreads([](hale::cluster_spec& cluster) {
                 cluster.services.front().errors.unhealthy = 1.0;
               }));
}

BOOST_AUTO_TEST_CASE(oracle_21_sees_that_what_was_given_up_is_never_tried_again) {
  check_caught(21, short_run(three_servers(), {fault_kind::fail_start, fault_kind::crash}),
               that_misreads([](hale::cluster_spec& cluster) {
                 cluster.services.front().restart.attempts = 1;
                 cluster.services.front().restart.cool = 24h;
               }));
}

BOOST_AUTO_TEST_CASE(oracle_23_sees_that_the_end_waits_for_one_who_does_not_listen) {
  check_caught(23, short_run(three_servers(), {fault_kind::ignore_term, fault_kind::crash}),
               that_misreads([](hale::cluster_spec& cluster) { cluster.services.front().stop.timeout = 1h; }));
}

BOOST_AUTO_TEST_CASE(oracle_24_sees_a_hot_loop_that_lets_no_time_pass) {
  check_caught(24, short_run(three_servers(), {}), with_network<spins_after_a_while>());
}

BOOST_AUTO_TEST_CASE(oracle_25_sees_the_healthy_being_restarted) {
  check_caught(25, short_run(three_servers(), {}), that_misreads([](hale::cluster_spec& cluster) {
                 cluster.services.front().memory.hard_bytes = std::uint64_t{1} << 30;
               }));
}

BOOST_AUTO_TEST_CASE(oracle_26_sees_a_crash_told_as_a_clean_exit) {
  check_caught(26, short_run(three_servers(), {fault_kind::crash}), [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      auto told = std::make_shared<told_world>(at);
      told->host->wrap = [](std::unique_ptr<hale::process> truly) -> std::unique_ptr<hale::process> {
        return std::make_unique<says_all_ended_well>(std::move(truly));
      };
      return as_world(told);
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_27_sees_unrest_after_everything_was_put_right) {
  check_caught(27, short_run(three_servers(), {fault_kind::crash}), with_network<refuses_in_the_end>());
}

BOOST_AUTO_TEST_CASE(oracle_28_sees_the_wall_clock_taken_for_the_one_that_counts) {
  struct clocked_world {
    explicit clocked_world(hale::sim::seat& at)
        : time(at.world().clock), whole{at.world().executor, time, at.host(), at.world().network, at.world().random,
                                        at.world().logs} {}
    wall_clock_for_all time;
    hale::world whole;
  };
  check_caught(28, short_run(three_servers(), {fault_kind::wall_step}, 60min), [](stage_options& stage) {
    stage.deceive = [](hale::sim::seat& at) {
      auto told = std::make_shared<clocked_world>(at);
      return std::shared_ptr<hale::world>(told, &told->whole);
    };
  });
}

BOOST_AUTO_TEST_CASE(oracle_29_sees_that_everything_is_noticed_late) {
  hale::sim::run_options options =
      short_run(cluster_of({servers("llama", 5, 8000)}), {fault_kind::hang, fault_kind::freeze}, 3h);
  check_caught(29, options, that_misreads([](hale::cluster_spec& cluster) {
                 cluster.services.front().health->failures = 12;
               }));
}

BOOST_AUTO_TEST_CASE(oracle_30_sees_far_too_many_probes) {
  check_caught(30, short_run(three_servers(), {}, 10min), that_misreads([](hale::cluster_spec& cluster) {
                 cluster.services.front().health->interval = 10ms;
               }));
}
