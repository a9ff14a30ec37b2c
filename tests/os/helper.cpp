// What the tests of the real world start: a program that does one odd thing, named by its first argument.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

extern char** environ;

namespace {

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

/// Its open descriptors, one a line.
int list_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  const int own = ::dirfd(directory);
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != own) say(entry->d_name);
  }
  ::closedir(directory);
  return 0;
}

/// "mask N", "ignored N": how many signals are blocked and ignored.
int list_signals() {
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  int masked = 0;
  int ignored = 0;
  for (int number = 1; number < NSIG; ++number) {
    masked += ::sigismember(&mask, number) == 1 ? 1 : 0;
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) ++ignored;
  }
  say("mask " + std::to_string(masked));
  say("ignored " + std::to_string(ignored));
  return 0;
}

/// "files N", "leader yes|no", "adjust N".
int describe() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  say("files " + std::to_string(files.rlim_cur));
  say(std::string("leader ") + (::getsid(0) == ::getpid() && ::getpgrp() == ::getpid() ? "yes" : "no"));
  char input = 'x';
  say(std::string("input ") + (::read(0, &input, 1) == 0 ? "empty" : "something"));
  return 0;
}

/// Twice forked, in a session of its own, with an empty environment if `clean`: as a daemon does. Says "pid N".
int daemonise(bool clean) {
  if (const pid_t child = ::fork(); child != 0) {
    ::waitpid(child, nullptr, 0);
    if (clean) return 0;
    sleep_for_ever();
  }
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  ::setsid();
  say("pid " + std::to_string(::getpid()));
  sleep_for_ever();
}

int fill_memory(std::size_t megabytes) {
  for (std::size_t left = megabytes; left > 0; --left) {
    constexpr std::size_t bytes = 1024 * 1024;
    volatile char* block = static_cast<volatile char*>(std::malloc(bytes));
    if (block == nullptr) return 1;
    for (std::size_t at = 0; at < bytes; at += 4096) block[at] = 1;
  }
  say("filled");
  sleep_for_ever();
}

int firehose(std::size_t bytes) {
  std::string line(1023, 'x');
  line += '\n';
  for (std::size_t left = bytes; left > 0; left -= std::min(left, line.size())) {
    std::fwrite(line.data(), 1, std::min(left, line.size()), stdout);
  }
  return 0;
}

/// A child that is killed for want of memory; this process lives on and says "child killed".
int lose_a_child(std::size_t megabytes) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(fill_memory(megabytes));
  int status = 0;
  ::waitpid(child, &status, 0);
  say(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "child killed" : "child ended otherwise");
  sleep_for_ever();
}

/// A child that keeps our output open, and says "pid N"; we end at once.
int leave_holder() {
  if (::fork() == 0) {
    say("pid " + std::to_string(::getpid()));
    sleep_for_ever();
  }
  return 5;
}

int ignore_term() {
  ::signal(SIGTERM, SIG_IGN);
  say("deaf");
  sleep_for_ever();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const std::size_t number = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (what == "descriptors") return list_descriptors();
  if (what == "signals") return list_signals();
  if (what == "describe") return describe();
  if (what == "daemon") return daemonise(false);
  if (what == "orphan") return daemonise(true);
  if (what == "fill") return fill_memory(number);
  if (what == "lose-child") return lose_a_child(number);
  if (what == "firehose") return firehose(number);
  if (what == "holder") return leave_holder();
  if (what == "deaf") return ignore_term();
  if (what == "stop") {
    say("stopping");
    ::raise(SIGSTOP);
    return 0;
  }
  if (what == "binary") {
    const char bytes[] = {'a', '\0', '\xff', '\n', 'b'};
    std::fwrite(bytes, 1, sizeof bytes, stdout);
    return 0;
  }
  if (what == "abort") std::abort();
  return 64;
}
