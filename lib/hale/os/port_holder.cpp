#include "hale/os/port_holder.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "hale/os/process_table.hpp"

namespace hale::os {
namespace {

// proc(5), net/tcp: sl local_address rem_address st … inode, addresses and state in hexadecimal.
constexpr std::string_view listening = "0A";

std::vector<std::string> listening_inodes(std::uint16_t port) {
  std::vector<std::string> found;
  std::array<char, 8> wanted{};
  std::snprintf(wanted.data(), wanted.size(), ":%04X", static_cast<unsigned>(port));
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const std::string text = read_small_file(path, 16 << 20);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      std::vector<std::string_view> fields;
      std::string_view line(text.data() + at, end - at);
      at = end + 1;
      while (fields.size() < 10) {
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (line.empty()) break;
        const std::size_t stop = std::min(line.find(' '), line.size());
        fields.push_back(line.substr(0, stop));
        line.remove_prefix(stop);
      }
      const bool complete = fields.size() == 10 && fields[3] == listening;
      if (complete && fields[1].ends_with(wanted.data())) found.emplace_back(fields[9]);
    }
  }
  return found;
}

bool holds_socket(pid_t pid, const std::vector<std::string>& inodes) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd/";
  DIR* opened = ::opendir(directory.c_str());
  if (opened == nullptr) return false;
  bool found = false;
  while (const dirent* entry = found ? nullptr : ::readdir(opened)) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlink((directory + entry->d_name).c_str(), target.data(), target.size());
    const std::string_view link(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    found = std::any_of(inodes.begin(), inodes.end(),
                        [link](const std::string& inode) { return link == "socket:[" + inode + "]"; });
  }
  ::closedir(opened);
  return found;
}

}  // namespace

port_holder find_port_holder(std::uint16_t port) noexcept {
  port_holder found;
  try {
    const std::vector<std::string> inodes = listening_inodes(port);
    if (inodes.empty()) return found;
    for (const process_entry& entry : read_all_processes()) {
      if (!holds_socket(entry.pid, inodes)) continue;
      found.pid = entry.pid;
      found.command = command_of(entry.pid);
      break;
    }
  } catch (const std::bad_alloc&) {
  }
  return found;
}

}  // namespace hale::os
