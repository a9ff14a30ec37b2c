// Processes through pidfds, their trees through control groups or the process table, their output through pipes that are
// read a bounded piece at a time.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <asio/signal_set.hpp>
#include <map>
#include <optional>

#include "hale/os/control_groups.hpp"
#include "hale/os/descriptor.hpp"
#include "hale/os/process_table.hpp"
#include "hale/os/spare_descriptors.hpp"
#include "hale/os/spawn.hpp"
#include "hale/world/process.hpp"

namespace hale::os {

class linux_process;

struct process_host_options {
  tree_tracking tracking = tree_tracking::automatic;
  /// Orphaned descendants become children of this process, which reaps them. Only for a program that starts no process
  /// except through this host: it would reap those too.
  bool subreaper = false;
  std::optional<rlimit> child_open_files;
  std::optional<int> child_oom_score_adjustment;
};

class linux_process_host final : public process_host {
 public:
  linux_process_host(event_loop& loop, const process_host_options& options);
  ~linux_process_host();

  task<result<std::unique_ptr<process>, spawn_error>> spawn(process_spec spec) override;
  port_holder find_listener(std::uint16_t port) noexcept override;
  std::int64_t own_pid() const noexcept override { return ::getpid(); }

  /// How trees are really tracked.
  tree_tracking tracking() const noexcept { return groups_.kind(); }
  bool limits_memory() const noexcept { return groups_.limits_memory(); }
  const std::string& group_root() const noexcept { return groups_.root(); }

 private:
  friend class linux_process;
  struct tagged_process : process_entry {
    std::string tag;
  };
  class forgotten;
  struct orphan_round : timer {
    explicit orphan_round(linux_process_host& of) noexcept
        : timer([](timer& self) noexcept { static_cast<orphan_round&>(self).host.reap_orphans(); }), host(of) {}
    linux_process_host& host;
  };
  /// A control group is kept for the next process of the same name, until the host ends.
  struct named_group {
    std::string directory;
    std::uint64_t memory_limit_bytes = 0;
  };

  result<std::unique_ptr<process>, spawn_error> spawn_now(process_spec& spec);
  result<std::string, spawn_error> open_group(const process_spec& spec);
  result<spawned_process, spawn_error> spawn_into(const std::string& group, const process_spec& spec,
                                                  child_setup setup);
  /// All processes younger than this host, seen at most `age` ago.
  const std::vector<tagged_process>& table(duration age);
  void await_orphans();
  /// Whether children remain that have not ended.
  bool reap_orphans() noexcept;

  event_loop& loop_;
  process_host_options options_;
  spawner spawner_;
  bool births_work_ = spawner::can_be_born_into_groups();
  control_groups groups_;
  std::map<std::string, named_group, std::less<>> named_groups_;
  std::uint64_t start_ticks_ = 0;
  std::uint64_t spawned_ = 0;
  std::string tag_prefix_;
  std::map<pid_t, linux_process*> leaders_;
  intrusive_list<list_node> forgotten_;
  std::vector<tagged_process> table_;
  instant table_read_ = instant::min();
  std::unique_ptr<char[]> buffer_;
  spare_descriptors spares_;
  std::optional<asio::signal_set> child_ended_;
  orphan_round orphan_round_;
};

}  // namespace hale::os
