#include "hale/policy/exit_cause.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <vector>

using hale::cause;
using hale::restart_class;

namespace {

hale::exit_evidence how(hale::exit_status status) {
  hale::exit_evidence evidence;
  evidence.status = status;
  return evidence;
}

hale::exit_evidence with_log(hale::exit_status status, std::vector<std::string> lines, bool was_starting = true) {
  hale::signature_scanner scanner;
  for (const auto& line : lines) scanner.scan_line(line);
  hale::exit_evidence evidence = how(status);
  evidence.signature = scanner.best();
  evidence.was_starting = was_starting;
  return evidence;
}

bool mentions(const hale::exit_verdict& verdict, std::string_view text) {
  return verdict.reason.find(text) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(crash_signals_are_crashes_and_others_are_not) {
  for (int signal = 1; signal < 65; ++signal) {
    const bool crash = signal == 4 || signal == 6 || signal == 7 || signal == 8 || signal == 11;
    const auto verdict = classify_exit(how(hale::signalled{signal, false}));
    BOOST_CHECK(verdict.cause == (crash ? cause::crash : cause::killed_by_signal));
    BOOST_CHECK(verdict.restart == restart_class::restart);
  }
  BOOST_CHECK_EQUAL(classify_exit(how(hale::signalled{11, true})).reason, "killed by SIGSEGV (core dumped)");
  BOOST_CHECK_EQUAL(hale::signal_name(42), "signal 42");
}

BOOST_AUTO_TEST_CASE(exit_codes_say_what_shells_and_servers_mean_by_them) {
  struct expectation {
    int code;
    cause why;
    restart_class then;
  };
  using enum restart_class;
  for (const expectation& it : std::vector<expectation>{{0, cause::exit_clean, restart},
                                                        {1, cause::exit_error, restart},
                                                        {2, cause::exit_error, restart},
                                                        {126, cause::config_error, hold},
                                                        {127, cause::config_error, hold},
                                                        {128, cause::exit_error, restart},
                                                        {130, cause::killed_by_signal, restart},
                                                        {131, cause::killed_by_signal, restart},
                                                        {132, cause::crash, restart},
                                                        {134, cause::crash, restart},
                                                        {135, cause::crash, restart},
                                                        {136, cause::crash, restart},
                                                        {137, cause::killed_by_signal, restart},
                                                        {139, cause::crash, restart},
                                                        {143, cause::killed_by_signal, restart},
                                                        {255, cause::exit_error, restart}}) {
    const auto verdict = classify_exit(how(hale::exited{it.code}));
    BOOST_CHECK_MESSAGE(verdict.cause == it.why && verdict.restart == it.then, "code " << it.code);
    BOOST_CHECK(mentions(verdict, std::to_string(it.code)));
  }
  BOOST_CHECK_EQUAL(classify_exit(how(hale::exited{139})).reason, "exited with code 139 (128 + SIGSEGV)");
}

BOOST_AUTO_TEST_CASE(what_the_kernel_does_not_tell_is_unknown) {
  BOOST_CHECK(classify_exit(how(hale::lost{})).cause == cause::unknown);
}

BOOST_AUTO_TEST_CASE(a_kill_is_out_of_memory_only_with_evidence) {
  auto evidence = how(hale::signalled{9, false});
  BOOST_CHECK(classify_exit(evidence).cause == cause::killed_by_signal);
  evidence.oom_kills = 1;
  BOOST_CHECK(classify_exit(evidence).cause == cause::oom_killed);
  evidence.status = hale::exited{1};  // only a descendant was killed, and then it failed
  BOOST_CHECK(classify_exit(evidence).cause == cause::oom_killed);
  evidence.status = hale::exited{0};
  BOOST_CHECK(classify_exit(evidence).cause == cause::exit_clean);
}

BOOST_AUTO_TEST_CASE(our_own_signal_is_its_own_explanation) {
  auto evidence = with_log(hale::signalled{9, false}, {"std::bad_alloc"});
  evidence.own_action = cause::operator_request;
  evidence.oom_kills = 3;
  auto verdict = classify_exit(evidence);
  BOOST_CHECK(verdict.cause == cause::operator_request && verdict.restart == restart_class::restart);
  BOOST_CHECK_EQUAL(verdict.reason, "stopped by hale (operator): killed by SIGKILL");
  evidence = with_log(hale::signalled{15, false}, {"write error: No space left on device"});
  evidence.own_action = cause::hung;
  verdict = classify_exit(evidence);
  BOOST_CHECK(verdict.cause == cause::hung && verdict.restart == restart_class::hold);
}

BOOST_AUTO_TEST_CASE(a_specific_line_beats_kernel_signal_and_code) {
  auto evidence = with_log(hale::signalled{11, false}, {"unable to allocate CUDA0 buffer"});
  BOOST_CHECK(classify_exit(evidence).cause == cause::gpu_oom);
  evidence.oom_kills = 1;
  const auto verdict = classify_exit(evidence);
  BOOST_CHECK(verdict.cause == cause::gpu_oom);
  BOOST_CHECK(mentions(verdict, "unable to allocate CUDA0 buffer") &&
              mentions(verdict, "killed by SIGSEGV before it was ready"));
}

BOOST_AUTO_TEST_CASE(a_trailer_yields_to_the_kernel_but_explains_a_signal) {
  auto evidence = with_log(hale::signalled{9, false},
                           {"Received sigquit from a child process. It usually means the child failed."});
  BOOST_CHECK(classify_exit(evidence).cause == cause::crash);
  evidence.oom_kills = 1;
  BOOST_CHECK(classify_exit(evidence).cause == cause::oom_killed);
}

BOOST_AUTO_TEST_CASE(a_missing_model_is_held_although_the_process_crashed) {
  const auto verdict = classify_exit(
      with_log(hale::signalled{11, false},
               {"gguf_init_from_file: failed to open GGUF file '/nope.gguf' (No such file or directory)"}));
  BOOST_CHECK(verdict.cause == cause::config_error && verdict.restart == restart_class::hold);
}

BOOST_AUTO_TEST_CASE(a_taken_port_and_a_full_disk_are_named) {
  const auto port = classify_exit(with_log(hale::exited{1}, {"Error: listen EADDRINUSE: 127.0.0.1:8080"}));
  BOOST_CHECK(port.cause == cause::port_taken && port.restart == restart_class::restart);
  const auto disk = classify_exit(with_log(hale::exited{1}, {"No space left on device"}, false));
  BOOST_CHECK(disk.cause == cause::resource_exhausted && disk.restart == restart_class::hold);
  const auto memory = classify_exit(with_log(hale::exited{1}, {"fork: Cannot allocate memory"}));
  BOOST_CHECK(memory.cause == cause::gpu_oom && memory.restart == restart_class::restart);
}

BOOST_AUTO_TEST_CASE(what_had_served_was_not_misconfigured_and_is_tried_once_more) {
  const auto verdict = classify_exit(with_log(hale::exited{1}, {"open /x: No such file or directory"}, false));
  BOOST_CHECK(verdict.cause == cause::config_error && verdict.restart == restart_class::once);
}

BOOST_AUTO_TEST_CASE(a_clean_exit_stands_unless_the_log_tells_of_a_failure) {
  BOOST_CHECK(classify_exit(with_log(hale::exited{0}, {"Permission denied"})).cause == cause::exit_clean);
  BOOST_CHECK(classify_exit(with_log(hale::exited{0}, {"No available block found in 60 seconds"})).cause ==
              cause::exit_clean);
  BOOST_CHECK(classify_exit(with_log(hale::exited{0}, {"vllm.v1.engine.exceptions.EngineDeadError"})).cause ==
              cause::crash);
  auto evidence = with_log(hale::exited{0}, {"vllm.v1.engine.exceptions.EngineDeadError"});
  evidence.oom_kills = 1;
  BOOST_CHECK(classify_exit(evidence).cause == cause::oom_killed);
}

BOOST_AUTO_TEST_CASE(vague_words_yield_to_the_kernel_and_never_hold_what_a_signal_ended) {
  auto evidence = with_log(hale::signalled{11, false}, {"open /etc/x: No such file or directory"});
  const auto verdict = classify_exit(evidence);
  BOOST_CHECK(verdict.cause == cause::config_error && verdict.restart == restart_class::once);
  evidence.oom_kills = 1;
  BOOST_CHECK(classify_exit(evidence).cause == cause::oom_killed);
  evidence = with_log(hale::exited{1}, {"./serve: Permission denied"});
  BOOST_CHECK(classify_exit(evidence).restart == restart_class::hold);
}

BOOST_AUTO_TEST_CASE(only_specific_lines_speak_about_a_sick_instance) {
  const auto after = [](std::string line, bool was_starting) {
    hale::signature_scanner scanner;
    scanner.scan_line(line);
    return hale::restart_of_sick(scanner.best(), was_starting);
  };
  BOOST_CHECK(after("all is well", true) == restart_class::restart);
  BOOST_CHECK(after("Permission denied", true) == restart_class::restart);
  BOOST_CHECK(after("Engine core initialization failed", true) == restart_class::restart);
  BOOST_CHECK(after("JavaScript heap out of memory", false) == restart_class::once);
  BOOST_CHECK(after("unknown model architecture: 'x'", true) == restart_class::hold);
  BOOST_CHECK(after("unknown model architecture: 'x'", false) == restart_class::once);
  BOOST_CHECK(after("No space left on device", false) == restart_class::hold);
}

BOOST_AUTO_TEST_CASE(a_warning_has_no_opinion_on_the_restart) {
  const auto verdict = classify_exit(with_log(hale::exited{1}, {"No available block found in 60 seconds"}));
  BOOST_CHECK(verdict.cause == cause::hung && verdict.restart == restart_class::restart);
}

BOOST_AUTO_TEST_CASE(an_empty_signature_is_none) {
  auto evidence = how(hale::exited{1});
  evidence.signature = hale::signature_match{};
  BOOST_CHECK(classify_exit(evidence).cause == cause::exit_error);
  evidence.own_action = cause::hung;
  BOOST_CHECK(classify_exit(evidence).cause == cause::hung);
}

BOOST_AUTO_TEST_CASE(a_program_that_cannot_be_executed_is_held_and_a_lack_that_may_pass_is_retried) {
  for (int error : {ENOENT, EACCES, ENOEXEC, ENOTDIR}) {
    const auto verdict = hale::classify_spawn_error(error, "exec", "/opt/x");
    BOOST_CHECK(verdict.cause == cause::exec_failed && verdict.restart == restart_class::hold);
  }
  for (int error : {EAGAIN, ENOMEM, EIO}) {
    const auto verdict = hale::classify_spawn_error(error, "fork", "");
    BOOST_CHECK(verdict.cause == cause::exec_failed && verdict.restart == restart_class::restart);
  }
  for (int error : {EMFILE, ENFILE}) {
    const auto verdict = hale::classify_spawn_error(error, "pipe", "");
    BOOST_CHECK(verdict.cause == cause::resource_exhausted && verdict.restart == restart_class::restart);
  }
  BOOST_CHECK_EQUAL(hale::classify_spawn_error(ENOENT, "exec", "/opt/x").reason,
                    "exec failed on /opt/x: No such file or directory");
  BOOST_CHECK_EQUAL(hale::classify_spawn_error(EACCES, "chdir", "/root").reason,
                    "chdir failed on /root: Permission denied");
}
