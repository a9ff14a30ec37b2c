#include "hale/os/process_table.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "hale/os/unique_fd.hpp"

namespace hale::os {
namespace {

std::string proc_path(pid_t pid, const char* leaf) { return "/proc/" + std::to_string(pid) + "/" + leaf; }

/// The next blank-separated number of `text`, which is advanced behind it; 0 where there is none.
std::uint64_t next_number(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::size_t end = std::min(text.find(' '), text.size());
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + end, value);
  text.remove_prefix(end);
  return value;
}

void skip_numbers(std::string_view& text, int count) noexcept {
  for (; count > 0; --count) next_number(text);
}

}  // namespace

std::string read_small_file(const std::string& path, std::size_t limit) {
  unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> chunk;
  while (file && text.size() < limit) {
    const ssize_t count = ::read(file.get(), chunk.data(), std::min(chunk.size(), limit - text.size()));
    if (count <= 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// proc(5), /proc/PID/stat: the name may hold anything, so fields are counted from its last parenthesis.
std::optional<process_entry> read_process(pid_t pid) {
  const std::string text = read_small_file(proc_path(pid, "stat"));
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 3 >= text.size()) return std::nullopt;
  process_entry found;
  found.pid = pid;
  found.state = text[name_end + 2];
  std::string_view rest = std::string_view(text).substr(name_end + 3);
  found.parent = static_cast<pid_t>(next_number(rest));
  found.group = static_cast<pid_t>(next_number(rest));
  found.session = static_cast<pid_t>(next_number(rest));
  skip_numbers(rest, 7);  // tty_nr … cmajflt
  for (int field = 0; field < 4; ++field) found.cpu_ticks += next_number(rest);
  skip_numbers(rest, 4);  // priority … itrealvalue
  found.start_ticks = next_number(rest);
  skip_numbers(rest, 1);  // vsize
  found.rss_pages = next_number(rest);
  return found;
}

std::vector<process_entry> read_all_processes() {
  std::vector<process_entry> all;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return all;
  while (const dirent* entry = ::readdir(directory)) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::char_traits<char>::length(entry->d_name);
    const auto [stop, failed] = std::from_chars(entry->d_name, end, pid);
    if (failed != std::errc() || stop != end) continue;
    if (const auto found = read_process(pid)) all.push_back(*found);
  }
  ::closedir(directory);
  std::sort(all.begin(), all.end(), [](const auto& left, const auto& right) { return left.pid < right.pid; });
  return all;
}

bool environment_has(pid_t pid, std::string_view tag) {
  const std::string text = '\0' + read_small_file(proc_path(pid, "environ"), 1 << 20) + '\0';
  return text.find('\0' + std::string(tag) + '\0') != std::string::npos;
}

std::string command_of(pid_t pid) {
  std::string text = read_small_file(proc_path(pid, "cmdline"), 4096);
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  if (!text.empty()) return text;
  std::string name = read_small_file(proc_path(pid, "comm"), 64);
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name.empty() ? name : "(" + name + ")";
}

void for_each_pid(std::string_view text, const std::function<void(pid_t)>& visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + end, pid);
    if (pid > 0) visit(pid);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool signal_if(pid_t pid, int number, const std::function<bool()>& still_meant) noexcept {
  const unique_fd held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!held || !still_meant()) return false;
  return ::syscall(SYS_pidfd_send_signal, held.get(), number, nullptr, 0) == 0;
}

}  // namespace hale::os
