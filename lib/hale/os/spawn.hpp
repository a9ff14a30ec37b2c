// Starts one process. The child runs on a stack of its own beside its suspended parent (vfork), shares its descriptors
// until it has let go of all but the lowest, and is born into its control group where the kernel can do that; so starting
// costs the same however large the supervisor is and however much it has open. It tells through shared memory which step
// failed. Between clone and exec it only makes system calls: no allocation, no locks.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"
#include "hale/os/unique_fd.hpp"
#include "hale/world/process.hpp"

namespace hale::os {

/// What a child is given that the process_spec does not say.
struct child_setup {
  int out = -1;                             ///< becomes its stdout
  int err = -1;                             ///< becomes its stderr
  int group_tasks = -1;                     ///< a file of the control group it joins by writing "0" there; -1: none
  int group_directory = -1;                 ///< or the version 2 group it is born into; -1: none
  std::optional<rlimit> open_files;         ///< as hale was started with
  std::optional<int> oom_score_adjustment;  ///< as hale was started with
};

struct spawned_process {
  pid_t pid = 0;
  unique_fd pidfd;
};

class spawner {
 public:
  spawner();
  spawner(const spawner&) = delete;
  spawner& operator=(const spawner&) = delete;
  ~spawner();

  /// Whether group_directory may be set. The kernel must allow it as well.
  static bool can_be_born_into_groups() noexcept;

  /// ENSURES: on failure no child is left, not even a zombie.
  result<spawned_process, spawn_error> spawn(const process_spec& spec, const child_setup& setup);

 private:
  struct shared_page;
  shared_page* page_ = nullptr;  ///< the child writes, the parent reads
  void* stack_ = nullptr;
  unique_fd null_;
  std::array<unique_fd, 3> slots_;  ///< low descriptors, lent to what a child needs; they hold null_ in between
};

}  // namespace hale::os
