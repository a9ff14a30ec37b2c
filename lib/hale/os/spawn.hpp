// Starts one process. The child runs on a stack of its own beside its suspended parent (vfork), so that starting costs
// the same however large the supervisor is, and tells through shared memory which step failed. Between clone and exec it
// only makes system calls: no allocation, no locks.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

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
  int group_procs = -1;                     ///< cgroup.procs of the control group it joins; -1: none
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

  /// ENSURES: on failure no child is left, not even a zombie.
  result<spawned_process, spawn_error> spawn(const process_spec& spec, const child_setup& setup);

 private:
  struct shared_page;
  shared_page* page_ = nullptr;  ///< the child writes, the parent reads
  void* stack_ = nullptr;
  unique_fd null_;
};

/// Where argv[0] is, by the PATH of the spec's own environment; the errno an execvp would give otherwise.
result<std::string, spawn_error> find_program(const process_spec& spec);

}  // namespace hale::os
