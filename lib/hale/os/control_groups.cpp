#include "hale/os/control_groups.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "hale/os/process_table.hpp"
#include "hale/os/unique_fd.hpp"

namespace hale::os {
namespace {

constexpr std::string_view own_prefix = "hale.";
constexpr int last_attempts = 100;
constexpr useconds_t pause_us = 5'000;
constexpr std::string_view instance_prefix = "i.";  // so that no name is that of a file the kernel keeps there

std::error_code write_file(const std::string& path, std::string_view text) noexcept {
  const unique_fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return system_error(errno);
  const ssize_t count = ::write(file.get(), text.data(), text.size());
  return count == static_cast<ssize_t>(text.size()) ? std::error_code() : system_error(errno);
}

bool exists(const std::string& path) noexcept { return ::access(path.c_str(), F_OK) == 0; }

/// Blank-separated field number `index` of a line.
std::string_view field(std::string_view line, std::size_t index) noexcept {
  for (; index > 0; --index) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
  return line.substr(0, line.find(' '));
}

bool has_word(std::string_view list, std::string_view word, char separator) noexcept {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

template <class Visit>
void for_each_line(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

template <class Visit>
void for_each_directory(const std::string& below, Visit&& visit) {
  DIR* directory = ::opendir(below.c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') visit(std::string_view(entry->d_name));
  }
  ::closedir(directory);
}

/// The path of `pid` in the hierarchy with `controller`; "" names version 2.
std::optional<std::string> path_in(pid_t pid, std::string_view controller) {
  const std::string text = read_small_file("/proc/" + (pid == 0 ? "self" : std::to_string(pid)) + "/cgroup");
  std::optional<std::string> found;
  for_each_line(text, [&](std::string_view line) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool wanted = controller.empty() ? controllers.empty() : has_word(controllers, controller, ',');
    if (wanted && !found) found = std::string(line.substr(second + 1));
  });
  return found;
}

bool is_at_or_below(std::string_view directory, std::string_view top) noexcept {
  return directory.starts_with(top) && (directory.size() == top.size() || directory[top.size()] == '/');
}

void remove_tree(const std::string& group) noexcept {
  if (::rmdir(group.c_str()) == 0) return;
  for_each_directory(group, [&](std::string_view name) { remove_tree(group + "/" + std::string(name)); });
  ::rmdir(group.c_str());
}

/// Removes what supervisors left whose pid nobody has any more; groups in which somebody lives stay.
void remove_stale(const std::string& below) {
  std::vector<std::string> stale;
  for_each_directory(below, [&](std::string_view name) {
    if (!name.starts_with(own_prefix)) return;
    pid_t pid = 0;
    const char* begin = name.data() + own_prefix.size();
    std::from_chars(begin, name.data() + name.size(), pid);
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) stale.push_back(below + "/" + std::string(name));
  });
  for (const std::string& group : stale) remove_tree(group);
}

void collect_members(const std::string& group, std::vector<pid_t>& into) {
  for_each_pid(read_small_file(group + "/cgroup.procs", 1 << 20), [&](pid_t pid) { into.push_back(pid); });
  struct stat seen {};
  const bool no_groups_below = ::stat(group.c_str(), &seen) == 0 && seen.st_nlink == 2;
  if (no_groups_below) return;
  for_each_directory(group, [&](std::string_view name) { collect_members(group + "/" + std::string(name), into); });
}

}  // namespace

std::string control_groups::mount::directory_of(std::string_view path) const {
  if (root != "/" && is_at_or_below(path, root)) path.remove_prefix(root.size());
  return path == "/" ? point : point + std::string(path);
}

control_groups::control_groups(tree_tracking wanted) {
  find_mounts();
  const bool any = wanted == tree_tracking::automatic;
  if ((any || wanted == tree_tracking::cgroup_v2) && use_v2(true)) return;
  if ((any || wanted == tree_tracking::cgroup_v1) && use_v1()) return;
  if (any || wanted == tree_tracking::cgroup_v2) use_v2(false);
}

control_groups::~control_groups() {
  // The kernel holds a group for a moment longer than its last process lives.
  for (int attempt = 0; attempt < last_attempts && !root_.empty() && exists(root_); ++attempt) {
    if (attempt > 0) ::usleep(pause_us);
    remove_tree(root_);
  }
  if (leaf_.empty()) return;
  write_file(left_ + "/cgroup.subtree_control", "-memory");
  write_file(left_ + "/cgroup.procs", "0");
  ::rmdir(leaf_.c_str());
}

// proc(5), mountinfo: id parent device root point options … - type source super-options
void control_groups::find_mounts() {
  for_each_line(read_small_file("/proc/self/mountinfo", 1 << 20), [&](std::string_view line) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) return;
    const std::string_view rest = line.substr(dash + 3);
    mount found{std::string(field(line, 3)), std::string(field(line, 4))};
    if (field(rest, 0) == "cgroup2" && !v2_) v2_ = std::move(found);
    else if (field(rest, 0) == "cgroup" && has_word(field(rest, 2), "memory", ',') && !v1_memory_) v1_memory_ = std::move(found);
  });
  const mount* memory = v1_memory_ ? &*v1_memory_ : v2_ ? &*v2_ : nullptr;
  const auto own = memory != nullptr ? path_in(0, v1_memory_ ? "memory" : "") : std::nullopt;
  if (own) own_memory_group_ = memory->directory_of(*own);
}

bool control_groups::make_root(const std::string& below) {
  remove_stale(below);
  const std::string name = below + "/" + std::string(own_prefix) + std::to_string(::getpid());
  for (int attempt = 0; attempt < 100; ++attempt) {  // a process may hold several worlds
    std::string candidate = attempt == 0 ? name : name + "." + std::to_string(attempt);
    if (::mkdir(candidate.c_str(), 0755) == 0) {
      root_ = std::move(candidate);
      return true;
    }
    if (errno != EEXIST) return false;
  }
  return false;
}

bool control_groups::use_v1() {
  const auto own = v1_memory_ ? path_in(0, "memory") : std::nullopt;
  if (!own || !make_root(v1_memory_->directory_of(*own))) return false;
  kind_ = tree_tracking::cgroup_v1;
  limits_memory_ = exists(root_ + "/memory.limit_in_bytes");
  return true;
}

bool control_groups::use_v2(bool with_memory) {
  const auto own = v2_ ? path_in(0, "") : std::nullopt;
  if (!own) return false;
  const std::string parent = v2_->directory_of(*own);
  if (::access((parent + "/cgroup.procs").c_str(), W_OK) != 0 || (with_memory && !enable_memory(parent))) return false;
  if (!make_root(parent)) return false;
  if (with_memory && write_file(root_ + "/cgroup.subtree_control", "+memory")) {
    ::rmdir(root_.c_str());
    root_.clear();
    return false;
  }
  kind_ = tree_tracking::cgroup_v2;
  limits_memory_ = with_memory;
  return true;
}

bool control_groups::enable_memory(const std::string& parent) {
  std::string controllers = read_small_file(parent + "/cgroup.controllers");
  std::replace(controllers.begin(), controllers.end(), '\n', ' ');
  if (!has_word(controllers, "memory", ' ')) return false;
  const std::string control = parent + "/cgroup.subtree_control";
  const std::error_code failed = write_file(control, "+memory");
  if (!failed) return true;
  // A group that shares out controllers may hold no processes itself.
  return failed == std::errc::device_or_resource_busy && leave_for_leaf(parent) && !write_file(control, "+memory");
}

bool control_groups::leave_for_leaf(const std::string& parent) {
  bool alone = true;
  for_each_pid(read_small_file(parent + "/cgroup.procs"), [&](pid_t pid) { alone = alone && pid == ::getpid(); });
  if (!alone) return false;
  leaf_ = parent + "/" + std::string(own_prefix) + std::to_string(::getpid()) + ".self";
  left_ = parent;
  if (::mkdir(leaf_.c_str(), 0755) == 0 && !write_file(leaf_ + "/cgroup.procs", "0")) return true;
  ::rmdir(leaf_.c_str());
  leaf_.clear();
  return false;
}

result<std::string> control_groups::open(std::string_view name) const {
  std::string group = root_ + "/" + std::string(instance_prefix) + std::string(name);
  // No name of an instance holds a plus: what belongs to one never shares a group with another.
  std::replace(group.begin() + static_cast<std::ptrdiff_t>(root_.size() + 1), group.end(), '/', '+');
  if (::mkdir(group.c_str(), 0755) != 0 && errno != EEXIST) return system_error(errno);
  return group;
}

result<unique_fd> control_groups::open_door(const std::string& group, bool by_birth) const {
  const char* file = kind_ == tree_tracking::cgroup_v1 ? "/tasks" : by_birth ? "" : "/cgroup.procs";
  unique_fd door(::open((group + file).c_str(), (by_birth ? O_RDONLY | O_DIRECTORY : O_WRONLY) | O_CLOEXEC));
  if (!door) return system_error(errno);
  return door;
}

std::error_code control_groups::limit_memory(const std::string& group, std::uint64_t bytes) const {
  if (!limits_memory_) return {};
  const bool v1 = kind_ == tree_tracking::cgroup_v1;
  const std::string none = v1 ? "-1" : "max";
  return write_file(group + (v1 ? "/memory.limit_in_bytes" : "/memory.max"), bytes == 0 ? none : std::to_string(bytes));
}

std::vector<pid_t> control_groups::members(const std::string& group) const {
  std::vector<pid_t> found;
  collect_members(group, found);
  return found;
}

std::string control_groups::tracking_group_of(pid_t pid) const {
  const bool v1 = kind_ == tree_tracking::cgroup_v1;
  const auto path = path_in(pid, v1 ? "memory" : "");
  return path ? (v1 ? v1_memory_ : v2_)->directory_of(*path) : std::string();
}

bool control_groups::contains(const std::string& group, pid_t pid) const {
  return is_at_or_below(tracking_group_of(pid), group);
}

bool control_groups::kill(const std::string& group) const noexcept {
  return kind_ == tree_tracking::cgroup_v2 && !write_file(group + "/cgroup.kill", "1");
}

std::string control_groups::memory_group_of(pid_t pid) const {
  const mount* memory = v1_memory_ ? &*v1_memory_ : v2_ ? &*v2_ : nullptr;
  const auto path = memory != nullptr ? path_in(pid, v1_memory_ ? "memory" : "") : std::nullopt;
  if (!path) return {};
  std::string group = memory->directory_of(*path);
  return is_at_or_below(own_memory_group_, group) || group == memory->point ? std::string() : group;
}

std::optional<std::uint64_t> control_groups::oom_kills(const std::string& memory_group) const {
  if (memory_group.empty()) return std::nullopt;
  const std::string text = read_small_file(memory_group + (v1_memory_ ? "/memory.oom_control" : "/memory.events.local"));
  std::optional<std::uint64_t> found;
  for_each_line(text, [&](std::string_view line) {
    if (field(line, 0) != "oom_kill") return;
    const std::string_view digits = field(line, 1);
    std::uint64_t count = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), count).ec == std::errc()) found = count;
  });
  return found;
}

}  // namespace hale::os
