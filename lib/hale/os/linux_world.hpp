// The real world on Linux: everything behind hale::world, on one thread. At least Linux 5.4.
//
//     hale::os::linux_world here;
//     int code = here.run(program(here.view()));
#pragma once

#include <asio/signal_set.hpp>
#include <deque>
#include <optional>
#include <string>

#include "hale/async/wait_queue.hpp"
#include "hale/os/event_loop.hpp"
#include "hale/os/file_log_store.hpp"
#include "hale/os/linux_clock.hpp"
#include "hale/os/linux_network.hpp"
#include "hale/os/linux_process.hpp"
#include "hale/os/linux_random.hpp"
#include "hale/world/world.hpp"

namespace hale::os {

struct linux_world_options {
  linux_world_options() = default;
  std::string log_directory;  ///< empty: default_log_directory()
  tree_tracking tracking = tree_tracking::automatic;
  /// See process_host_options. For programs that are supervisors and nothing else.
  bool subreaper = false;
  /// The soft limit on open descriptors becomes the hard one; children get the one hale was started with.
  bool raise_descriptor_limit = true;
  /// For hale itself, where it may; children get the one hale was started with.
  std::optional<int> oom_score_adjustment;
};

/// $XDG_STATE_HOME/hale/logs, or what stands for it (~/.local/state; for root /var/lib).
std::string default_log_directory();

class linux_world {
 public:
  explicit linux_world(const linux_world_options& options = {});
  ~linux_world();

  world& view() noexcept { return view_; }
  event_loop& loop() noexcept { return loop_; }
  /// For code that brings asio objects; they run on this thread, inside run().
  asio::io_context& io() noexcept { return loop_.io(); }
  linux_process_host& processes() noexcept { return processes_; }
  file_log_store& logs() noexcept { return logs_; }

  template <class T>
  T run(task<T> body, cancel_source* cancellation = nullptr) {
    return loop_.run(std::move(body), cancellation);
  }

  /// From the first call on, SIGTERM, SIGINT and SIGHUP no longer end this program but are given out here, in the order
  /// of their arrival, each once. The signal's number; errc::timed_out, errc::cancelled.
  task<result<int>> next_signal(deadline limit = deadline::never());

 private:
  /// What changes for the whole process, and is put back at the end.
  struct process_settings {
    explicit process_settings(const linux_world_options& options);
    ~process_settings();
    process_host_options for_children;
    std::optional<rlimit> open_files_before;
    std::optional<int> oom_score_before;
  };
  void await_signal();

  process_settings settings_;
  event_loop loop_;
  linux_clock clock_;
  linux_random random_;
  linux_network network_;
  linux_process_host processes_;
  file_log_store logs_;
  std::optional<asio::signal_set> signals_;
  std::deque<int> arrived_;
  wait_queue awaited_;
  world view_;
};

}  // namespace hale::os
