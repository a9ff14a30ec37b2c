// Control groups: the one way to find every descendant of a process whatever it did to hide, to limit the memory of all
// together, and to learn from the kernel who was killed for want of it. One group for this world, below it one for each
// instance. Prefers version 2 with the memory controller, then version 1's memory hierarchy, then version 2 alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"
#include "hale/os/unique_fd.hpp"

namespace hale::os {

/// How a tree's members are found: by control group, or (none) by session, parents and an environment tag.
enum class tree_tracking : std::uint8_t { automatic, cgroup_v2, cgroup_v1, none };

class control_groups {
 public:
  /// Makes this world's group, where it may; also removes the empty ones that dead supervisors left.
  explicit control_groups(tree_tracking wanted);
  control_groups(const control_groups&) = delete;
  control_groups& operator=(const control_groups&) = delete;
  ~control_groups();

  /// What is really in use: never automatic.
  tree_tracking kind() const noexcept { return kind_; }
  bool limits_memory() const noexcept { return limits_memory_; }
  /// Where this world's groups are; empty for none.
  const std::string& root() const noexcept { return root_; }

  /// The directory of the group called `name`, made if it is not there. REQUIRES: kind() != none
  result<std::string> open(std::string_view name) const;
  /// What a child joins `group` by. In version 1 it writes "0" to `tasks`: a thread that moves itself alone takes no
  /// lock that all others wait for, unlike a write to cgroup.procs (measured: 0.5 ms against 6 to 20). In version 2 it
  /// is born into the directory, or where that cannot be writes to cgroup.procs.
  result<unique_fd> open_door(const std::string& group, bool by_birth) const;
  /// 0: no limit. REQUIRES: limits_memory() || bytes == 0
  std::error_code limit_memory(const std::string& group, std::uint64_t bytes) const;

  /// The processes of `group` and of the groups below it; zombies are not among them.
  std::vector<pid_t> members(const std::string& group) const;
  bool contains(const std::string& group, pid_t pid) const;
  /// Kills all of `group` in one step, where the kernel can (version 2); false where it cannot.
  bool kill(const std::string& group) const noexcept;

  /// The directory of the memory group `pid` is in; empty where that is not known, or is one that hale itself is in:
  /// what the kernel counts there is no evidence about the process.
  std::string memory_group_of(pid_t pid) const;
  /// How many processes of exactly this group the kernel has killed for want of memory; nothing where it cannot be read.
  std::optional<std::uint64_t> oom_kills(const std::string& memory_group) const;

 private:
  struct mount {
    std::string root;   ///< the part of the hierarchy that is mounted
    std::string point;  ///< where
    std::string directory_of(std::string_view path) const;
  };
  void find_mounts();
  std::string tracking_group_of(pid_t pid) const;
  bool use_v2(bool with_memory);
  bool use_v1();
  bool make_root(const std::string& below);
  bool enable_memory(const std::string& parent);
  bool leave_for_leaf(const std::string& parent);

  tree_tracking kind_ = tree_tracking::none;
  bool limits_memory_ = false;
  std::optional<mount> v1_memory_;
  std::optional<mount> v2_;
  std::string own_memory_group_;
  std::string root_;
  std::string left_;  ///< the group this process left for a leaf of its own
  std::string leaf_;
};

}  // namespace hale::os
