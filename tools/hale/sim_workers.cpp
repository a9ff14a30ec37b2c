#include "sim_workers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>

#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr std::size_t most_errors = 64 * 1024;
constexpr std::size_t head_size = 1 + sizeof(std::uint64_t);

std::size_t processors() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&usable)));
}

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

struct pipe_ends {
  int read = -1;
  int write = -1;
};

pipe_ends make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::system_category(), "pipe");
  return {ends[0], ends[1]};
}

// The new process. It outlives neither its work nor its parent, and leaves interrupts to that.
[[noreturn]] void work(const std::function<void(worker_output&)>& body, pid_t parent, int out, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  dup2(errors, 2);
  try {
    worker_output output(out);
    body(output);
  } catch (const std::exception& error) {
    write_all(2, fmt::format("{}\n", error.what()));
    _exit(1);
  }
  _exit(0);
}

std::string how_it_ended(int status, const std::string& errors) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  std::string how = WIFSIGNALED(status) ? fmt::format("it was ended by SIG{}", sigabbrev_np(WTERMSIG(status)))
                                        : fmt::format("it ended with exit code {}", WEXITSTATUS(status));
  const std::string first = errors.substr(0, errors.find('\n'));
  return first.empty() ? how : fmt::format("{}: {}", how, first);
}

}  // namespace

struct workers::worker {
  std::uint64_t job = 0;
  pid_t pid = -1;
  int out = -1;
  int errors = -1;
  std::string bytes;
  worker_end end;
};

void worker_output::send(part kind, std::string_view bytes) {
  std::string head(1, static_cast<char>(kind));
  const std::uint64_t size = bytes.size();
  head.append(reinterpret_cast<const char*>(&size), sizeof size);
  if (!write_all(descriptor_, head) || !write_all(descriptor_, bytes)) _exit(1);
}

workers::workers() : most_(processors()) {
  const sigset_t set = interrupts();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) throw std::system_error(errno, std::system_category(), "signalfd");
}

workers::~workers() {
  kill_all();
  close(signals_);
  const sigset_t set = interrupts();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void workers::start(std::uint64_t job, const std::function<void(worker_output&)>& body) {
  const pipe_ends out = make_pipe();
  const pipe_ends errors = make_pipe();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) work(body, parent, out.write, errors.write);
  const int why = errno;
  close(out.write);
  close(errors.write);
  if (pid < 0) {
    close(out.read);
    close(errors.read);
    throw std::system_error(why, std::system_category(), "fork");
  }
  auto made = std::make_unique<worker>();
  made->job = made->end.job = job;
  made->pid = pid;
  made->out = out.read;
  made->errors = errors.read;
  running_.push_back(std::move(made));
}

std::optional<worker_end> workers::next(int patience_ms) {
  for (;;) {
    std::vector<pollfd> watched = {{signals_, POLLIN, 0}};
    for (const auto& one : running_) {
      watched.push_back({one->out, POLLIN, 0});  // a descriptor below zero is passed over
      watched.push_back({one->errors, POLLIN, 0});
    }
    const int ready = poll(watched.data(), watched.size(), patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    if (watched[0].revents != 0) {
      signalfd_siginfo taken{};
      interrupted_ = read(signals_, &taken, sizeof taken) > 0;
      return std::nullopt;
    }
    for (std::size_t at = 0; at < running_.size(); ++at) {
      worker& one = *running_[at];
      if (watched[1 + 2 * at].revents != 0) take_bytes(one, one.out);
      if (watched[2 + 2 * at].revents != 0) take_bytes(one, one.errors);
      if (one.out < 0 && one.errors < 0) return finish(at);
    }
  }
}

void workers::take_bytes(worker& from, int descriptor) {
  char buffer[65536];
  const ssize_t got = read(descriptor, buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  const bool is_out = descriptor == from.out;
  if (got <= 0) {
    close(descriptor);
    (is_out ? from.out : from.errors) = -1;
    return;
  }
  const std::string_view bytes(buffer, static_cast<std::size_t>(got));
  if (is_out) {
    from.bytes += bytes;
    take_parts(from);
  } else {
    from.end.errors += bytes.substr(0, most_errors - std::min(most_errors, from.end.errors.size()));
  }
}

void workers::take_parts(worker& from) {
  std::string_view left = from.bytes;
  while (left.size() >= head_size) {
    std::uint64_t size = 0;
    std::memcpy(&size, left.data() + 1, sizeof size);
    if (left.size() - head_size < size) break;
    from.end.parts[static_cast<part>(left[0])] = left.substr(head_size, size);
    left.remove_prefix(head_size + size);
  }
  from.bytes.erase(0, from.bytes.size() - left.size());
}

std::optional<worker_end> workers::finish(std::size_t at) {
  const std::unique_ptr<worker> one = std::move(running_[at]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
  int status = 0;
  while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR) continue;
  one->end.crash = how_it_ended(status, one->end.errors);
  return std::move(one->end);
}

std::map<std::uint64_t, std::string> workers::newest(part kind) const {
  std::map<std::uint64_t, std::string> found;
  for (const auto& one : running_) {
    const auto at = one->end.parts.find(kind);
    if (at != one->end.parts.end()) found.emplace(one->job, at->second);
  }
  return found;
}

void workers::kill_all() noexcept {
  for (const auto& one : running_) {
    kill(one->pid, SIGKILL);
    while (waitpid(one->pid, nullptr, 0) < 0 && errno == EINTR) continue;
    if (one->out >= 0) close(one->out);
    if (one->errors >= 0) close(one->errors);
  }
  running_.clear();
}

}  // namespace hale::cli
