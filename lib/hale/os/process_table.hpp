// What /proc tells about processes. Every answer may be stale when it is read; who acts on one checks it again through a
// pidfd (signal_if).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hale::os {

struct process_entry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  char state = '?';
  std::uint64_t cpu_ticks = 0;    ///< its own and that of the children it waited for
  std::uint64_t start_ticks = 0;  ///< since boot
  std::uint64_t rss_pages = 0;
  bool alive() const noexcept { return state != 'Z' && state != 'X'; }
};

/// A small file as it is now, cut at `limit` bytes; empty where it cannot be read.
std::string read_small_file(const std::string& path, std::size_t limit = 65536);

std::optional<process_entry> read_process(pid_t pid);
/// All processes, in the order of their pids.
std::vector<process_entry> read_all_processes();
/// Whether the environment that `pid` was started with has the entry `tag` (NAME=value).
bool environment_has(pid_t pid, std::string_view tag);
/// argv joined by spaces; the name in parentheses for a kernel thread.
std::string command_of(pid_t pid);
/// Calls visit(pid) for each number in `text`.
void for_each_pid(std::string_view text, const std::function<void(pid_t)>& visit);

/// Signals `pid` if `still_meant()` holds once its number can no longer be given to another. False: nobody was signalled.
bool signal_if(pid_t pid, int number, const std::function<bool()>& still_meant) noexcept;

}  // namespace hale::os
