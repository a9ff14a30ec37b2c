// Real processes: how they start, what they inherit, how they end, and that nothing of them is left.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "os/fixture.hpp"

using namespace hale;
using namespace hale::test;

namespace {

std::string make_file(const temporary_directory& where, std::string_view name, std::string_view text, unsigned mode) {
  const std::string path = where / name;
  std::ofstream(path) << text;
  ::chmod(path.c_str(), mode);
  return path;
}

void check_exit(const exit_status& found, const exit_status& expected) {
  BOOST_TEST((found == expected), "another exit status: kind " << found.index());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(starting)

BOOST_AUTO_TEST_CASE(a_program_that_is_nowhere_is_reported_with_its_name) {
  checked_world here;
  const spawn_error found = here.refuse(spec_of({"no-such-program-anywhere"}));
  BOOST_TEST((found.code == std::errc::no_such_file_or_directory));
  BOOST_TEST(found.step == "exec");
  BOOST_TEST(found.path == "no-such-program-anywhere");
}

BOOST_AUTO_TEST_CASE(a_path_that_does_not_exist_is_reported) {
  checked_world here;
  const spawn_error found = here.refuse(spec_of({"/nonexistent/program"}));
  BOOST_TEST((found.code == std::errc::no_such_file_or_directory));
  BOOST_TEST(found.path == "/nonexistent/program");
}

BOOST_AUTO_TEST_CASE(a_file_that_may_not_be_executed_is_reported) {
  const temporary_directory place;
  const std::string path = make_file(place, "plain", "#!/bin/sh\n", 0600);
  checked_world here;
  const spawn_error direct = here.refuse(spec_of({path}));
  BOOST_TEST((direct.code == std::errc::permission_denied));
  BOOST_TEST(direct.step == "exec");
  BOOST_TEST(direct.path == path);
  process_spec by_path = spec_of({"plain"});
  by_path.environment = {"PATH=/nonexistent:" + place.path()};
  const spawn_error searched = here.refuse(std::move(by_path));
  BOOST_TEST((searched.code == std::errc::permission_denied));
  BOOST_TEST(searched.path == path);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_program_is_reported) {
  const temporary_directory place;
  const std::string path = make_file(place, "text", "no program\n", 0700);
  checked_world here;
  const spawn_error found = here.refuse(spec_of({path}));
  BOOST_TEST((found.code == std::errc::executable_format_error));
  BOOST_TEST(found.path == path);
}

BOOST_AUTO_TEST_CASE(a_script_without_its_interpreter_names_the_interpreter) {
  const temporary_directory place;
  const std::string path = make_file(place, "script", "#! /nonexistent/python3 -u\n", 0700);
  checked_world here;
  const spawn_error found = here.refuse(spec_of({path}));
  BOOST_TEST((found.code == std::errc::no_such_file_or_directory));
  BOOST_TEST(found.path == "/nonexistent/python3");
}

BOOST_AUTO_TEST_CASE(a_directory_that_does_not_exist_is_reported) {
  checked_world here;
  process_spec spec = shell("true");
  spec.cwd = "/nonexistent/directory";
  const spawn_error found = here.refuse(std::move(spec));
  BOOST_TEST((found.code == std::errc::no_such_file_or_directory));
  BOOST_TEST(found.step == "chdir");
  BOOST_TEST(found.path == "/nonexistent/directory");
}

BOOST_AUTO_TEST_CASE(a_process_runs_where_and_with_what_it_was_told) {
  const temporary_directory place;
  checked_world here;
  output_record output;
  process_spec spec = shell("pwd; echo $COLOUR; echo oops >&2", &output);
  spec.cwd = std::filesystem::canonical(place.path());
  spec.environment.push_back("COLOUR=blue");
  const std::string expected = spec.cwd + "\nblue\n";
  const auto started = here.start(std::move(spec));
  check_exit(here.finish(*started), exited{0});
  BOOST_TEST(output.out == expected);
  BOOST_TEST(output.err == "oops\n");
}

BOOST_AUTO_TEST_CASE(only_the_standard_descriptors_are_inherited) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // as a careless parent of hale would leave it
  {
    checked_world here;
    output_record output;
    const auto started = here.start(helper({"descriptors"}, &output));
    check_exit(here.finish(*started), exited{0});
    BOOST_TEST(output.out == "0\n1\n2\n");
  }
  ::close(leaked);
}

BOOST_AUTO_TEST_CASE(signals_are_neither_blocked_nor_ignored) {
  sigset_t some;
  sigset_t before;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &some, &before);
  const auto old_handler = ::signal(SIGUSR2, SIG_IGN);
  {
    checked_world here;
    output_record output;
    const auto started = here.start(helper({"signals"}, &output));
    check_exit(here.finish(*started), exited{0});
    BOOST_TEST(output.out == "mask 0\nignored 0\n");
  }
  ::signal(SIGUSR2, old_handler);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

BOOST_AUTO_TEST_CASE(limits_are_those_hale_was_started_with_and_it_leads_its_session) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit lowered{before.rlim_cur / 2, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &lowered);
  {
    checked_world here;
    rlimit raised{};
    ::getrlimit(RLIMIT_NOFILE, &raised);
    BOOST_TEST(raised.rlim_cur == before.rlim_max);
    output_record output;
    const auto started = here.start(helper({"describe"}, &output));
    check_exit(here.finish(*started), exited{0});
    BOOST_TEST(output.out == "files " + std::to_string(lowered.rlim_cur) + "\nleader yes\ninput empty\n");
  }
  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  BOOST_TEST(after.rlim_cur == lowered.rlim_cur);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

BOOST_AUTO_TEST_CASE(a_want_of_descriptors_is_reported_and_leaves_nothing) {
  checked_world here;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit tight{lowest_free_descriptor() + 2, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  output_record output;
  auto refused = here->run(here->processes().spawn(helper({"describe"}, &output)));
  ::setrlimit(RLIMIT_NOFILE, &before);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == std::errc::too_many_files_open));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ending)

BOOST_AUTO_TEST_CASE(an_exit_code_is_told) {
  checked_world here;
  const auto started = here.start(shell("exit 7"));
  check_exit(here.finish(*started), exited{7});
}

BOOST_AUTO_TEST_CASE(a_signal_is_told) {
  checked_world here;
  const auto started = here.start(shell("kill -9 $$"));
  check_exit(here.finish(*started), signalled{SIGKILL, false});
}

BOOST_AUTO_TEST_CASE(a_core_dump_is_told_by_the_kernels_own_flag) {
  checked_world here;
  const temporary_directory place;
  process_spec spec = helper({"abort"});
  spec.cwd = place.path();
  const auto started = here.start(std::move(spec));
  const exit_status ended = here.finish(*started);
  BOOST_TEST_REQUIRE(std::holds_alternative<signalled>(ended));
  BOOST_TEST(std::get<signalled>(ended).signal == SIGABRT);
}

BOOST_AUTO_TEST_CASE(any_number_may_wait_and_also_afterwards) {
  checked_world here;
  const auto started = here.start(shell("read x < /dev/null; exit 3"));
  const auto three_waits = [](process& which) -> task<int> {
    auto waits = race(which.wait(soon()), which.wait(soon()), which.wait(soon()));
    auto outcome = co_await waits;
    int told = 0;
    told += outcome.get<0>().has_value() ? 1 : 0;
    told += outcome.get<1>().has_value() ? 1 : 0;
    told += outcome.get<2>().has_value() ? 1 : 0;
    co_return told;
  };
  BOOST_TEST(here->run(three_waits(*started)) >= 1);
  check_exit(here.finish(*started), exited{3});
  check_exit(here.finish(*started), exited{3});
}

BOOST_AUTO_TEST_CASE(a_wait_ends_at_its_deadline_and_with_its_cancellation) {
  checked_world here;
  const auto started = here.start(shell("sleep 1000"));
  const deadline at_once = here->view().clock.after(std::chrono::milliseconds(5));
  BOOST_TEST((here->run(started->wait(at_once)).error() == errc::timed_out));
  cancel_source cancelled;
  cancelled.cancel();
  BOOST_TEST((here->run(started->wait(soon()), &cancelled).error() == errc::cancelled));
  BOOST_TEST(started->tree_alive());
  BOOST_TEST(!here.kill(*started));
}

BOOST_AUTO_TEST_CASE(forgetting_a_process_kills_nothing_and_leaves_no_zombie) {
  checked_world here;
  output_record output;
  long pid = 0;
  {
    const auto started = here.start(shell("echo ready; exec sleep 1000", &output));
    BOOST_TEST(!here->run(output.until("ready", soon())));
    pid = started->pid();
  }
  BOOST_TEST(::kill(static_cast<pid_t>(pid), 0) == 0);
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  const auto until_gone = [](pid_t gone) -> task<bool> {
    while (::kill(gone, 0) == 0) {
      if (soon().passed(os::monotonic_now())) co_return false;
      co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(1));
    }
    co_return true;
  };
  BOOST_TEST(here->run(until_gone(static_cast<pid_t>(pid))));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(printing)

BOOST_AUTO_TEST_CASE(binary_output_and_a_last_line_without_end_arrive_before_the_exit) {
  checked_world here;
  output_record output;
  const auto started = here.start(helper({"binary"}, &output));
  check_exit(here.finish(*started), exited{0});
  BOOST_TEST(output.out == std::string("a\0\xff\nb", 5));
}

BOOST_AUTO_TEST_CASE(ten_megabytes_arrive_whole_in_bounded_pieces) {
  checked_world here;
  output_record output;
  const auto started = here.start(helper({"firehose", "10485760"}, &output));
  check_exit(here.finish(*started), exited{0});
  BOOST_TEST(output.out.size() == 10485760u);
  BOOST_TEST(output.pieces >= 160u);
}

BOOST_AUTO_TEST_CASE(a_grandchild_that_holds_the_output_does_not_delay_the_exit) {
  checked_world here;
  output_record output;
  const auto started = here.start(helper({"holder"}, &output));
  check_exit(here.finish(*started), exited{5});
  BOOST_TEST(!here->run(output.until("pid ", soon())));
  BOOST_TEST(started->tree_alive());
  BOOST_TEST(!here.kill(*started));
}

BOOST_AUTO_TEST_CASE(what_nobody_observes_goes_nowhere) {
  checked_world here;
  const auto started = here.start(helper({"firehose", "1048576"}));
  check_exit(here.finish(*started), exited{0});
}

BOOST_AUTO_TEST_SUITE_END()
