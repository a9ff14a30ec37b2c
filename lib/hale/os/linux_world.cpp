#include "hale/os/linux_world.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

namespace hale::os {
namespace {

constexpr std::size_t signals_kept = 64;
constexpr const char* oom_score_path = "/proc/self/oom_score_adj";

bool write_oom_score(int value) {
  const unique_fd file(::open(oom_score_path, O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(value);
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Pipes and sockets must not get the numbers of the standard streams.
void open_standard_streams() {
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd <= STDERR_FILENO) continue;
    ::close(fd);
    return;
  }
}

}  // namespace

std::string default_log_directory() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/') {
    return std::string(state) + "/hale/logs";
  }
  const char* home = std::getenv("HOME");
  if (::geteuid() == 0 || home == nullptr) return "/var/lib/hale/logs";
  return std::string(home) + "/.local/state/hale/logs";
}

linux_world::process_settings::process_settings(const linux_world_options& options) {
  open_standard_streams();
  ::signal(SIGPIPE, SIG_IGN);
  for_children.tracking = options.tracking;
  for_children.subreaper = options.subreaper && ::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
  rlimit open_files{};
  if (options.raise_descriptor_limit && ::getrlimit(RLIMIT_NOFILE, &open_files) == 0) {
    const rlimit raised{open_files.rlim_max, open_files.rlim_max};
    if (open_files.rlim_cur < open_files.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      for_children.child_open_files = open_files_before = open_files;
    }
  }
  if (options.oom_score_adjustment) {
    const int before = std::atoi(read_small_file(oom_score_path, 16).c_str());
    if (write_oom_score(*options.oom_score_adjustment)) for_children.child_oom_score_adjustment = oom_score_before = before;
  }
}

linux_world::process_settings::~process_settings() {
  if (open_files_before) ::setrlimit(RLIMIT_NOFILE, &*open_files_before);
  if (oom_score_before) write_oom_score(*oom_score_before);
  if (for_children.subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

linux_world::linux_world(const linux_world_options& options)
    : settings_(options),
      network_(loop_),
      processes_(loop_, settings_.for_children),
      logs_(options.log_directory.empty() ? default_log_directory() : options.log_directory),
      view_{loop_, clock_, processes_, network_, random_, logs_} {}

linux_world::~linux_world() = default;

void linux_world::await_signal() {
  signals_->async_wait([this](const std::error_code& failed, int number) {
    if (failed) return;
    if (arrived_.size() < signals_kept) arrived_.push_back(number);
    awaited_.wake_all();
    await_signal();
  });
}

task<result<int>> linux_world::next_signal(deadline limit) {
  if (!signals_) {
    signals_.emplace(loop_.io(), SIGTERM, SIGINT, SIGHUP);
    await_signal();
  }
  while (arrived_.empty()) {
    queue_operation waiting(awaited_, false, limit);
    const std::error_code failed = co_await waiting;
    if (failed) co_return failed;
  }
  const int number = arrived_.front();
  arrived_.pop_front();
  co_return number;
}

}  // namespace hale::os
