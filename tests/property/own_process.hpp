// Runs a piece of a test in a process of its own, so that an assertion, a crash or an endless loop in it is a failure
// of that piece alone: RapidCheck can go on and shrink it.
#pragma once

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace hale::test {

/// Memory shared with the processes that run() makes: what they tell by it, besides how they ended.
template <class Report>
class own_process {
 public:
  own_process() {
    void* memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    shared_ = new (memory) shared();
  }
  own_process(const own_process&) = delete;
  own_process& operator=(const own_process&) = delete;
  ~own_process() { munmap(shared_, sizeof(shared)); }

  Report& report() noexcept { return shared_->report; }

  /// `body` returns what went wrong, empty for nothing; so does this. Who computes for more than
  /// `limit_seconds` is in an endless loop.
  template <class Body>
  std::string run(Body body, unsigned limit_seconds) {
    shared_->said.fill('\0');
    const pid_t child = fork();
    if (child < 0) return fmt::format("fork: {}", std::strerror(errno));
    if (child == 0) {
      for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGXCPU}) std::signal(fatal, SIG_DFL);
      const rlimit limit{limit_seconds, limit_seconds};
      setrlimit(RLIMIT_CPU, &limit);
      say(attempt(body));
      _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    const bool endless = WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
    if (endless) return fmt::format("no end; the last step: {}", said());
    if (WIFSIGNALED(status)) return fmt::format("ended by signal {}; the last step: {}", WTERMSIG(status), said());
    if (WEXITSTATUS(status) != 0) return fmt::format("ended with code {}", WEXITSTATUS(status));
    return std::string(said());
  }

  /// For a sudden end: what the child was about to do.
  void say(std::string_view what) noexcept {
    const std::size_t length = std::min(what.size(), shared_->said.size() - 1);
    std::memcpy(shared_->said.data(), what.data(), length);
    shared_->said[length] = '\0';
  }

 private:
  struct shared {
    std::array<char, 4096> said{};
    Report report{};
  };

  template <class Body>
  static std::string attempt(Body& body) noexcept {
    try {
      return body();
    } catch (const std::exception& error) {
      return fmt::format("it threw: {}", error.what());
    }
  }
  std::string_view said() const noexcept { return shared_->said.data(); }

  shared* shared_ = nullptr;
};

}  // namespace hale::test
