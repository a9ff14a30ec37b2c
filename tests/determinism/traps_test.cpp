// The traps spring, and so does the processor's: a run does not even read the time stamp counter. Each culprit is an
// oracle that asks the machine in the middle of a run, in a child, since it does not survive.
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <random>
#include <string>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "determinism/small_cluster.hpp"
#include "determinism/trapped_run.hpp"

using namespace determinism;
using namespace hale;
using namespace hale::sim;

namespace {

constexpr std::uint64_t seed = 7;

struct ending {
  int status = 0;
  std::string said;
};

/// What became of a child that did `what`, and what it wrote to its standard error.
ending in_a_child(const std::function<int()>& what) {
  int ends[2];
  BOOST_TEST_REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    std::signal(SIGABRT, SIG_DFL);
    std::signal(SIGSEGV, SIG_DFL);
    try {
      ::_exit(what());
    } catch (const std::exception& thrown) {
      static_cast<void>(::write(STDERR_FILENO, thrown.what(), std::strlen(thrown.what())));
    }
    ::_exit(99);
  }
  BOOST_TEST_REQUIRE(child > 0);
  ::close(ends[1]);
  ending seen;
  char piece[256];
  for (ssize_t size = 0; (size = ::read(ends[0], piece, sizeof piece)) > 0;) {
    seen.said.append(piece, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  BOOST_TEST_REQUIRE(::waitpid(child, &seen.status, 0) == child);
  return seen;
}

class culprit final : public oracle {
 public:
  explicit culprit(std::function<void()> act) : oracle(100, "culprit", "asks the machine"), act_(std::move(act)) {}
  void on_tick() override { act_(); }

 private:
  std::function<void()> act_;
};

run_report run_with(const std::function<void()>& act) {
  run_options options = short_run();
  options.more_oracles = [&](judge& to) { to.add(std::make_unique<culprit>(act)); };
  seed_driver driver(seed);
  return trapped_run(options, driver);
}

void check_springs(const std::string& trap, const std::function<void()>& act) {
  const ending seen = in_a_child([&] {
    run_with(act);
    return 0;
  });
  const bool aborted = WIFSIGNALED(seen.status) && WTERMSIG(seen.status) == SIGABRT;
  BOOST_TEST(aborted, "calling " << trap << " in a run went unnoticed");
  BOOST_TEST((seen.said.find("trap: " + trap + " was called") != std::string::npos), trap << ": " << seen.said);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_run_that_reads_a_clock_is_caught) {
  check_springs("clock_gettime", [] { static_cast<void>(std::chrono::steady_clock::now()); });
  check_springs("clock_gettime", [] { static_cast<void>(std::chrono::system_clock::now()); });
  check_springs("time", [] { static_cast<void>(std::time(nullptr)); });
  check_springs("timespec_get", [] {
    timespec now{};
    static_cast<void>(::timespec_get(&now, TIME_UTC));
  });
  check_springs("gettimeofday", [] {
    timeval now{};
    ::gettimeofday(&now, nullptr);
  });
}

BOOST_AUTO_TEST_CASE(a_run_that_sleeps_or_starts_a_thread_is_caught) {
  check_springs("clock_nanosleep", [] {
    const timespec moment{0, 1};
    ::clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, nullptr);
  });
  check_springs("nanosleep", [] { std::this_thread::sleep_for(std::chrono::nanoseconds(1)); });
  check_springs("pthread_create", [] { std::thread([] {}).join(); });
}

BOOST_AUTO_TEST_CASE(a_run_that_asks_for_true_randomness_is_caught) {
  unsigned char bytes[4];
  check_springs("getrandom", [&] { static_cast<void>(::getrandom(bytes, sizeof bytes, 0)); });
  check_springs("getentropy", [&] { static_cast<void>(::getentropy(bytes, sizeof bytes)); });
  check_springs("arc4random", [] { static_cast<void>(std::random_device("arc4random")()); });
}

BOOST_AUTO_TEST_CASE(the_traps_are_not_set_outside_a_run) {
  run_with([] {});
  const auto before = std::chrono::steady_clock::now();
  std::thread([] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }).join();
  BOOST_TEST((std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(1)));
  BOOST_TEST(std::time(nullptr) > 1'700'000'000);
}

// The address sanitizer reads it on its own account.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
BOOST_AUTO_TEST_CASE(a_run_does_not_read_the_time_stamp_counter) {
  const ending tried = in_a_child([] { return ::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0 ? 0 : 1; });
  if (tried.status != 0) {
    BOOST_TEST_MESSAGE("skipped: the kernel does not forbid it");
    return;
  }
  const std::uint64_t expected = run_with([] {}).hash;
  const auto forbidden = [expected](const std::function<void()>& act) {
    return in_a_child([&] {
      ::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
      return run_with(act).hash == expected ? 0 : 1;
    });
  };
  BOOST_TEST(forbidden([] {}).status == 0);
  const ending caught = forbidden([] { static_cast<void>(__rdtsc()); });
  const bool killed = WIFSIGNALED(caught.status) && WTERMSIG(caught.status) == SIGSEGV;
  BOOST_TEST(killed, "reading the counter went unnoticed");
}
#endif
