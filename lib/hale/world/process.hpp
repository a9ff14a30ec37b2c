// Processes as a supervisor needs them: started, awaited, signalled, measured and cleared away as whole trees. What a
// process is on its machine (pids, cgroups, pipes) stays behind this page; a pid here is only for display and for
// recognising who sent a datagram.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hale/async/task.hpp"
#include "hale/base/exit_status.hpp"
#include "hale/base/result.hpp"
#include "hale/base/time.hpp"

namespace hale {

enum class output_stream : std::uint8_t { out, err };

/// Told what a process prints, as it arrives, in a step of its own. Must not block. Outlives the process object.
class output_observer {
 public:
  virtual void on_output(output_stream from, std::string_view bytes) noexcept = 0;

 protected:
  ~output_observer() = default;
};

struct process_spec {
  process_spec() = default;
  std::string name;                      ///< the instance's name: unique among live processes of one host
  std::vector<std::string> argv;         ///< argv[0] is looked up in the environment's PATH when it has no '/'
  std::vector<std::string> environment;  ///< NAME=value, over and above what hale itself was started with
  std::vector<std::string> withheld;     ///< names of what hale was started with that the child is not to see
  std::string cwd;                       ///< empty: the supervisor's own
  std::uint64_t memory_limit_bytes = 0;  ///< the kernel's limit on the whole tree; 0: none
  output_observer* output = nullptr;     ///< null: output goes to /dev/null
};

/// Why there is no process. `code` is the errno of the step that failed: exec itself, or a step before it.
struct spawn_error {
  std::error_code code;
  std::string step;  ///< "exec", "chdir", "fork", "pipe", "cgroup" …
  std::string path;  ///< the file or directory it failed on; may be empty
};

struct process_usage {
  std::uint64_t rss_bytes = 0;   ///< resident memory of the whole tree
  duration cpu_time{};           ///< of the whole tree, since spawn
  std::uint32_t processes = 0;   ///< alive in the tree
};

enum class signal_reach {
  leader,  ///< the process that was spawned
  group,   ///< its process group: what a terminal's Ctrl-C would reach
  tree,    ///< every descendant, also those that left the group
};

/// One spawned process and all it started. Destroying the object forgets the tree, it kills nothing.
class process {
 public:
  virtual ~process() = default;
  virtual std::int64_t pid() const noexcept = 0;

  /// How the leader ended; at once if it has. errc::timed_out or errc::cancelled otherwise. Any number may wait.
  /// Never waits for output to be closed.
  virtual task<result<exit_status>> wait(deadline limit) = 0;

  /// Success also when nobody is left to be signalled; then nothing is.
  virtual std::error_code signal(int number, signal_reach reach) noexcept = 0;

  /// Kills what is alive of the tree, again and again until nothing is: success. errc::timed_out when something
  /// survives (stuck in the kernel). The leader must have been waited for, or is killed too.
  virtual task<std::error_code> kill_tree(deadline limit) = 0;

  /// True while any process of the tree is alive, the leader's zombie not counted.
  virtual bool tree_alive() const noexcept = 0;

  /// Measured now. What cannot be read is zero.
  virtual process_usage usage() const noexcept = 0;

  /// How many processes of this tree the kernel's out-of-memory killer has ended since spawn. Asked now and then while
  /// it lives, it also follows a process that moves to a control group of its own.
  virtual std::uint64_t oom_kills() const noexcept = 0;

  /// Whether `pid` is a process of this tree now.
  virtual bool contains(std::int64_t pid) const noexcept = 0;
};

/// Who holds a listening port, as far as it may be read.
struct port_holder {
  std::int64_t pid = 0;  ///< 0: unknown
  std::string command;   ///< empty: unknown
};

class process_host {
 public:
  virtual ~process_host() = default;
  /// ENSURES: on failure no process is left. An exec that fails is reported here, not as an exit.
  virtual task<result<std::unique_ptr<process>, spawn_error>> spawn(process_spec spec) = 0;

  /// What cannot be learned is left empty; slow (reads the process table), for error messages.
  virtual port_holder find_listener(std::uint16_t port) noexcept = 0;

  /// The supervisor's own pid, to be shown; 0 where it has none.
  virtual std::int64_t own_pid() const noexcept { return 0; }
};

}  // namespace hale
