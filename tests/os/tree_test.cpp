// Whole process trees, in every way of tracking them that this machine allows.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "os/fixture.hpp"

using namespace hale;
using namespace hale::test;
using os::tree_tracking;

namespace {

const std::vector<tree_tracking> all_trackings = {tree_tracking::cgroup_v2, tree_tracking::cgroup_v1,
                                                  tree_tracking::none};

const char* name_of(tree_tracking tracking) {
  switch (tracking) {
    case tree_tracking::cgroup_v2: return "control groups v2";
    case tree_tracking::cgroup_v1: return "control groups v1";
    case tree_tracking::none: return "no control groups";
    case tree_tracking::automatic: break;
  }
  return "automatic";
}

/// Calls test(world) for each tracking that can be had here.
template <class Test>
void with_each_tracking(Test&& test, bool subreaper = false) {
  for (const tree_tracking tracking : all_trackings) {
    BOOST_TEST_CONTEXT(name_of(tracking)) {
      os::linux_world_options options = with_tracking(tracking);
      options.subreaper = subreaper;
      checked_world here(options);
      if (here->processes().tracking() != tracking) {
        BOOST_TEST_MESSAGE("skipped: " << name_of(tracking) << " cannot be had here");
        continue;
      }
      test(here);
    }
  }
}

bool lives(long pid) {
  const auto entry = os::read_process(static_cast<pid_t>(pid));
  return entry && entry->alive();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trees)

BOOST_AUTO_TEST_CASE(a_tree_is_seen_and_killed_even_when_no_descriptor_is_left) {
  with_each_tracking([](checked_world& here) {
    output_record output;
    const auto started = here.start(helper({"daemon"}, &output));
    BOOST_TEST(!here->run(output.until("pid ", soon())));
    const long daemon = output.number_after("pid ");
    std::vector<os::unique_fd> hoard;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit few{64, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) hoard.emplace_back(fd);
    const bool seen = started->tree_alive();
    const std::error_code survived = here.kill(*started);
    hoard.clear();
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST(seen);
    BOOST_TEST(!survived);
    BOOST_TEST(!lives(daemon));
  });
}

BOOST_AUTO_TEST_CASE(names_that_look_alike_share_no_tree) {
  with_each_tracking([](checked_world& here) {
    process_spec server = helper({"daemon"}, nullptr);
    server.name = "db_probe";
    process_spec probe = helper({"daemon"}, nullptr);
    probe.name = "db/probe";
    const auto one = here.start(server);
    const auto other = here.start(probe);
    BOOST_TEST(!here.kill(*other));
    BOOST_TEST(one->tree_alive());
    BOOST_TEST(!here.kill(*one));
  });
}

BOOST_AUTO_TEST_CASE(a_daemon_that_left_session_and_group_is_found_and_killed) {
  with_each_tracking([](checked_world& here) {
    output_record output;
    const auto started = here.start(helper({"daemon"}, &output));
    BOOST_TEST(!here->run(output.until("pid ", soon())));
    const long daemon = output.number_after("pid ");
    BOOST_TEST(started->contains(daemon));
    BOOST_TEST(!started->contains(::getpid()));
    BOOST_TEST(started->usage().processes == 2u);
    BOOST_TEST(started->usage().rss_bytes > 0u);
    BOOST_TEST(!here.kill(*started));
    BOOST_TEST(!lives(daemon));
    BOOST_TEST(!started->tree_alive());
    BOOST_TEST((here.finish(*started) == exit_status(signalled{SIGKILL, false})));
  });
}

BOOST_AUTO_TEST_CASE(an_orphan_outlives_its_leader_and_is_still_of_the_tree) {
  with_each_tracking(
      [](checked_world& here) {
        output_record output;
        const auto started = here.start(helper({"orphan"}, &output));
        here.finish(*started);
        BOOST_TEST(!here->run(output.until("pid ", soon())));
        const long orphan = output.number_after("pid ");
        BOOST_TEST(started->tree_alive());
        BOOST_TEST(started->contains(orphan));
        BOOST_TEST(!started->signal(SIGCONT, signal_reach::tree));
        BOOST_TEST(!here.kill(*started));
        BOOST_TEST(!lives(orphan));
        BOOST_TEST(!started->tree_alive());
      },
      true);
}

BOOST_AUTO_TEST_CASE(a_stopped_process_and_a_deaf_one_are_killed) {
  with_each_tracking([](checked_world& here) {
    output_record output;
    const auto stopped = here.start(helper({"stop"}, &output));
    BOOST_TEST(!here->run(output.until("stopping", soon())));
    BOOST_TEST(!here.kill(*stopped));
    process_spec spec = helper({"deaf"}, &output);
    spec.name = "deaf";
    const auto deaf = here.start(std::move(spec));
    BOOST_TEST(!here->run(output.until("deaf", soon())));
    BOOST_TEST(!deaf->signal(SIGTERM, signal_reach::leader));
    const deadline brief = here->view().clock.after(std::chrono::milliseconds(20));
    BOOST_TEST((here->run(deaf->wait(brief)).error() == errc::timed_out));
    BOOST_TEST(!here.kill(*deaf));
  });
}

BOOST_AUTO_TEST_CASE(signals_reach_the_leader_the_group_or_the_tree) {
  with_each_tracking([](checked_world& here) {
    output_record output;
    const auto started = here.start(shell("trap : TERM; sleep 1000 & echo pid $!; while :; do wait; done", &output));
    BOOST_TEST(!here->run(output.until("pid ", soon())));
    const long child = output.number_after("pid ");
    BOOST_TEST(!started->signal(SIGTERM, signal_reach::leader));
    BOOST_TEST(lives(child));
    BOOST_TEST(!started->signal(SIGKILL, signal_reach::group));
    BOOST_TEST((here.finish(*started) == exit_status(signalled{SIGKILL, false})));
    BOOST_TEST(!here.kill(*started));
    BOOST_TEST(!lives(child));
    BOOST_TEST(!started->signal(SIGTERM, signal_reach::leader));
    BOOST_TEST(!started->signal(SIGTERM, signal_reach::group));
    BOOST_TEST(!started->signal(SIGTERM, signal_reach::tree));
  });
}

BOOST_AUTO_TEST_CASE(a_group_is_used_again_by_the_next_life) {
  with_each_tracking([](checked_world& here) {
    for (int life = 0; life < 3; ++life) {
      const auto started = here.start(shell("exec sleep 1000"));
      BOOST_TEST(started->contains(started->pid()));
      BOOST_TEST(!here.kill(*started));
    }
  });
}

BOOST_AUTO_TEST_CASE(orphans_of_nobody_are_reaped_and_never_taken_for_a_child) {
  os::linux_world_options options = with_tracking(tree_tracking::automatic);
  options.subreaper = true;
  checked_world here(options);
  std::vector<std::unique_ptr<process>> all;
  for (int number = 0; number < 10; ++number) {
    process_spec spec = shell("(true &) ; (true &) ; exit " + std::to_string(number));
    spec.name += std::to_string(number);
    all.push_back(here.start(std::move(spec)));
  }
  for (int number = 0; number < 10; ++number) {
    BOOST_TEST((here.finish(*all[static_cast<std::size_t>(number)]) == exit_status(exited{number})));
    BOOST_TEST(!here.kill(*all[static_cast<std::size_t>(number)]));
  }
  const auto until_none = []() -> task<bool> {
    const deadline limit = soon();
    while (zombies() != 0) {
      if (limit.passed(os::monotonic_now())) co_return false;
      co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(1));
    }
    co_return true;
  };
  BOOST_TEST(here->run(until_none()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(the_kernels_limit_kills_and_is_evidence) {
  checked_world here;
  if (!here->processes().limits_memory()) {
    BOOST_TEST_MESSAGE("skipped: no memory control group can be made here");
    return;
  }
  output_record output;
  process_spec spec = helper({"fill", "200"}, &output);
  spec.memory_limit_bytes = 32u << 20;
  const auto started = here.start(std::move(spec));
  BOOST_TEST((here.finish(*started) == exit_status(signalled{SIGKILL, false})));
  BOOST_TEST(started->oom_kills() == 1u);
  // The count of the group goes on; that of the next life begins at zero.
  BOOST_TEST(!here.kill(*started));
  process_spec next = shell("exec sleep 1000");
  next.memory_limit_bytes = 32u << 20;
  const auto second = here.start(std::move(next));
  BOOST_TEST(second->oom_kills() == 0u);
  BOOST_TEST(!here.kill(*second));
}

BOOST_AUTO_TEST_CASE(a_kill_of_only_a_descendant_is_counted) {
  checked_world here;
  if (!here->processes().limits_memory()) {
    BOOST_TEST_MESSAGE("skipped: no memory control group can be made here");
    return;
  }
  output_record output;
  process_spec spec = helper({"lose-child", "200"}, &output);
  spec.memory_limit_bytes = 32u << 20;
  const auto started = here.start(std::move(spec));
  BOOST_TEST(!here->run(output.until("child killed", soon())));
  BOOST_TEST(started->oom_kills() == 1u);
  BOOST_TEST(started->usage().processes == 1u);
  BOOST_TEST(!here.kill(*started));
}

BOOST_AUTO_TEST_CASE(a_group_the_process_moved_to_itself_is_looked_at) {
  checked_world here;
  if (here->processes().tracking() != tree_tracking::cgroup_v1) {
    BOOST_TEST_MESSAGE("skipped: this test makes a version 1 group");
    return;
  }
  const std::string own = here->processes().group_root() + ".moved";
  BOOST_TEST_REQUIRE(::mkdir(own.c_str(), 0755) == 0);
  std::ofstream(own + "/memory.limit_in_bytes") << (32u << 20);
  const temporary_directory place;
  output_record output;
  const auto started = here.start(shell("echo $$ > " + own + "/cgroup.procs; echo moved; while [ ! -e " + place.path() +
                                            "/go ]; do sleep 0.01; done; " HALE_OS_HELPER " fill 200; exec sleep 1000",
                                        &output));
  BOOST_TEST(!here->run(output.until("moved", soon())));
  BOOST_TEST(started->oom_kills() == 0u);
  std::ofstream(place / "go") << "go";
  const auto until_killed = [](process& which) -> task<bool> {
    const deadline limit = soon();
    while (which.oom_kills() == 0) {
      if (limit.passed(os::monotonic_now())) co_return false;
      co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(5));
    }
    co_return true;
  };
  BOOST_TEST(here->run(until_killed(*started)));
  BOOST_TEST(!here.kill(*started));
  BOOST_TEST(::rmdir(own.c_str()) == 0);
}

BOOST_AUTO_TEST_CASE(a_limit_that_cannot_be_set_is_refused) {
  checked_world here(with_tracking(tree_tracking::none));
  process_spec spec = shell("true");
  spec.memory_limit_bytes = 32u << 20;
  const spawn_error found = here.refuse(std::move(spec));
  BOOST_TEST(found.step == "cgroup");
  BOOST_TEST((found.code == std::errc::not_supported));
}

BOOST_AUTO_TEST_SUITE_END()
