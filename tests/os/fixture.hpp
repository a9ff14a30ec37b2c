// What the tests of the real world share: a world of their own, processes that are awaited, and a look at what is left.
#pragma once

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hale/async/race.hpp"
#include "hale/async/pulse.hpp"
#include "hale/os/linux_world.hpp"

namespace hale::test {

/// Long enough for a busy machine; a test that waits it out has failed.
inline constexpr duration patience = std::chrono::seconds(20);

inline os::linux_world_options with_tracking(os::tree_tracking tracking) {
  os::linux_world_options options;
  options.tracking = tracking;
  options.log_directory = "/nonexistent";
  return options;
}

class output_record final : public output_observer {
 public:
  void on_output(output_stream from, std::string_view bytes) noexcept override {
    (from == output_stream::out ? out : err) += bytes;
    ++pieces;
    arrived_.wake_all();
  }
  /// Success once stdout contains `text`.
  task<std::error_code> until(std::string text, deadline limit) {
    while (out.find(text) == std::string::npos) {
      auto waiting = arrived_.wait(limit);
      if (const std::error_code failed = co_await waiting) co_return failed;
    }
    co_return std::error_code();
  }
  /// The number behind `word` in stdout.
  long number_after(std::string_view word) const {
    const std::size_t at = out.find(word);
    return at == std::string::npos ? -1 : std::atol(out.c_str() + at + word.size());
  }

  std::string out;
  std::string err;
  std::size_t pieces = 0;

 private:
  pulse arrived_;
};

inline process_spec spec_of(std::vector<std::string> argv, output_observer* output = nullptr) {
  process_spec spec;
  spec.name = "test";
  spec.argv = std::move(argv);
  spec.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  spec.output = output;
  return spec;
}
inline process_spec helper(std::vector<std::string> arguments, output_observer* output = nullptr) {
  arguments.insert(arguments.begin(), HALE_OS_HELPER);
  return spec_of(std::move(arguments), output);
}
inline process_spec shell(std::string script, output_observer* output = nullptr) {
  return spec_of({"sh", "-c", std::move(script)}, output);
}

inline deadline soon() { return deadline::after(os::monotonic_now(), patience); }

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(directory);
  return count - 1;
}

/// The number the next descriptor would get: a limit of so many leaves none.
inline rlim_t lowest_free_descriptor() {
  const int found = ::dup(STDOUT_FILENO);
  ::close(found);
  return static_cast<rlim_t>(found);
}

/// Children of this process that have ended and were not reaped.
inline std::size_t zombies() {
  std::size_t count = 0;
  for (const os::process_entry& entry : os::read_all_processes()) {
    count += entry.parent == ::getpid() && !entry.alive() ? 1 : 0;
  }
  return count;
}

class temporary_directory {
 public:
  temporary_directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "hale-os-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

/// A world whose descriptors, zombies and control groups are looked for when it is gone.
class checked_world {
 public:
  explicit checked_world(const os::linux_world_options& options = with_tracking(os::tree_tracking::automatic))
      : descriptors_(open_descriptors()) {
    here_.emplace(options);
  }
  ~checked_world() {
    const std::string groups = here_->processes().group_root();
    here_.reset();
    BOOST_TEST(open_descriptors() == descriptors_);
    BOOST_TEST(zombies() == 0u);
    if (!groups.empty()) BOOST_TEST(!std::filesystem::exists(groups));
  }
  os::linux_world& operator*() { return *here_; }
  os::linux_world* operator->() { return &*here_; }
  /// Spawns, and fails the test where it cannot.
  std::unique_ptr<process> start(process_spec spec) {
    auto started = here_->run(here_->processes().spawn(std::move(spec)));
    if (!started) BOOST_FAIL("spawn: " << started.error().step << ": " << started.error().code.message());
    return std::move(started).value();
  }
  exit_status finish(process& which) {
    const result<exit_status> ended = here_->run(which.wait(soon()));
    if (!ended) BOOST_FAIL("wait: " << ended.error().message());
    return *ended;
  }
  std::error_code kill(process& which) { return here_->run(which.kill_tree(soon())); }
  spawn_error refuse(process_spec spec) {
    auto started = here_->run(here_->processes().spawn(std::move(spec)));
    if (started) BOOST_FAIL("spawned what cannot be");
    return started.error();
  }

 private:
  std::size_t descriptors_;
  std::optional<os::linux_world> here_;
};

}  // namespace hale::test
