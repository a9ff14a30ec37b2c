#include "state_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>

#include "cluster.hpp"
#include "command_line.hpp"
#include "files.hpp"

namespace hale::cli {
namespace {

constexpr std::size_t longest_socket_path = sizeof(sockaddr_un::sun_path) - 1;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_absolute(const std::string& path) { return !path.empty() && path[0] == '/'; }

// Ours alone, or not to be trusted with sockets.
bool make_private(const std::string& path) {
  if (make_directories(path, 0700)) return false;
  struct stat what {};
  if (lstat(path.c_str(), &what) != 0 || !S_ISDIR(what.st_mode) || what.st_uid != geteuid()) return false;
  return (what.st_mode & 077) == 0 || chmod(path.c_str(), 0700) == 0;
}

// Empty when there is none to be had.
std::string runtime_directory() {
  const std::string xdg = variable("XDG_RUNTIME_DIR");
  if (is_absolute(xdg) && make_private(xdg + "/hale")) return xdg + "/hale";
  if (xdg.empty() && geteuid() == 0 && make_private("/run/hale")) return "/run/hale";
  const std::string fallback = fmt::format("/tmp/hale-{}", geteuid());
  return make_private(fallback) ? fallback : "";
}

// FNV-1a: short names for long paths.
std::string path_hash(std::string_view path) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : path) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

// An open file description lock: it ends with this process, and asking about it takes nothing.
struct flock whole_file() {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  return range;
}

std::optional<running_supervisor> read_entry(const std::string& path) {
  const std::string text = read_file(path, 8192).value_or("");
  const std::size_t first = text.find('\n');
  const std::size_t second = first == std::string::npos ? first : text.find('\n', first + 1);
  if (second == std::string::npos) return std::nullopt;
  return running_supervisor{text.substr(0, first), text.substr(first + 1, second - first - 1)};
}

failure not_usable(const std::string& path, std::error_code why) {
  return {exit_failed, fmt::format("cannot use the state directory {}: {}; choose another with --state DIR", path,
                                   why.message())};
}

result<std::string, failure> choose(const std::vector<running_supervisor>& among, const std::string& which) {
  if (among.size() == 1) return among.front().state_dir;
  std::string list;
  for (const running_supervisor& one : among) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", one.cluster, one.state_dir);
  }
  return failure{exit_usage, fmt::format("several supervisors are running{}: {}; say which with --{}", which, list,
                                         which.empty() ? "name NAME" : "state DIR")};
}

}  // namespace

result<std::string, failure> default_state_directory(std::string_view cluster) {
  const std::string xdg = variable("XDG_STATE_HOME");
  if (is_absolute(xdg)) return fmt::format("{}/hale/{}", xdg, cluster);
  if (geteuid() == 0) return fmt::format("/var/lib/hale/{}", cluster);
  const std::string home = variable("HOME");
  if (is_absolute(home)) return fmt::format("{}/.local/state/hale/{}", home, cluster);
  return failure{exit_usage, "neither XDG_STATE_HOME nor HOME is set; say where to keep state with --state DIR"};
}

result<state_directory, failure> state_directory::claim(std::string path, const std::string& cluster) {
  if (const auto error = make_directories(path, 0700)) return not_usable(path, error);
  const auto real = real_path(path);
  if (!real) return not_usable(path, real.error());
  const std::string lock_path = *real + "/lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return not_usable(path, system_error(errno));
  state_directory held(*real, lock);
  struct flock range = whole_file();
  if (fcntl(lock, F_OFD_SETLK, &range) != 0) {
    const int why = errno;
    close(lock);
    held.lock_ = -1;
    if (why != EAGAIN && why != EACCES) return not_usable(path, system_error(why));
    std::string pid = read_file(lock_path, 32).value_or("");
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return failure{exit_failed, fmt::format("already running as pid {} on {}; see `hale status --state {}`",
                                            pid.empty() ? "?" : pid, *real, *real)};
  }
  if (const auto error = make_directories(held.logs(), 0700)) return not_usable(path, error);
  if (const auto error = write_file(lock_path, fmt::format("{}\n", getpid()))) return not_usable(path, error);
  if (const auto error = held.place_socket("control", held.control_socket_)) return not_usable(path, error);
  if (const auto error = held.place_socket("notify", held.notify_socket_)) return not_usable(path, error);
  // Not being listed is survivable: clients then need --state.
  const std::string runtime = runtime_directory();
  if (!runtime.empty()) {
    held.entry_ = fmt::format("{}/{}.run", runtime, path_hash(*real));
    if (write_file(held.entry_, fmt::format("{}\n{}\n", *real, cluster))) held.entry_.clear();
  }
  return held;
}

std::error_code state_directory::place_socket(std::string_view name, std::string& at) const {
  at = fmt::format("{}/{}.sock", path_, name);
  const std::string note = fmt::format("{}/{}.path", path_, name);
  unlink(note.c_str());
  if (at.size() <= longest_socket_path) return {};
  const std::string runtime = runtime_directory();
  at = fmt::format("{}/{}.{}", runtime, path_hash(path_), name);
  if (runtime.empty() || at.size() > longest_socket_path) return system_error(ENAMETOOLONG);
  return write_file(note, at);
}

state_directory::state_directory(state_directory&& other) noexcept
    : path_(std::move(other.path_)), control_socket_(std::move(other.control_socket_)),
      notify_socket_(std::move(other.notify_socket_)), entry_(std::move(other.entry_)),
      lock_(std::exchange(other.lock_, -1)) {}

state_directory::~state_directory() {
  if (lock_ < 0) return;
  if (!entry_.empty()) unlink(entry_.c_str());
  for (const std::string* socket : {&control_socket_, &notify_socket_}) {
    if (!socket->empty()) unlink(socket->c_str());
  }
  unlink((path_ + "/control.path").c_str());
  unlink((path_ + "/notify.path").c_str());
  close(lock_);
}

bool is_running(const std::string& state_dir) {
  const int lock = open((state_dir + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return false;
  struct flock range = whole_file();
  const bool held = fcntl(lock, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
  close(lock);
  return held;
}

std::vector<running_supervisor> running_supervisors() {
  std::vector<running_supervisor> found;
  const std::string runtime = runtime_directory();
  DIR* entries = runtime.empty() ? nullptr : opendir(runtime.c_str());
  if (entries == nullptr) return found;
  while (const dirent* entry = readdir(entries)) {
    if (!std::string_view(entry->d_name).ends_with(".run")) continue;
    const std::string path = runtime + "/" + entry->d_name;
    const auto listed = read_entry(path);
    if (listed && is_running(listed->state_dir)) found.push_back(*listed);
  }
  closedir(entries);
  std::sort(found.begin(), found.end(), [](const running_supervisor& a, const running_supervisor& b) {
    return std::tie(a.cluster, a.state_dir) < std::tie(b.cluster, b.state_dir);
  });
  return found;
}

result<std::string, failure> find_state_directory(const std::string& state, const std::string& name) {
  if (!state.empty()) return state;
  auto running = running_supervisors();
  if (!name.empty()) {
    std::erase_if(running, [&](const running_supervisor& one) { return one.cluster != name; });
    return running.empty() ? default_state_directory(name) : choose(running, " under this name");
  }
  const auto here = state_directory_of_file("hale.toml");
  if (here && (running.empty() || is_running(*here))) return *here;
  if (!running.empty()) return choose(running, "");
  return failure{exit_unreachable, "no supervisor is running; start one with `hale run`"};
}

std::string control_socket_of(const std::string& state_dir) {
  const std::string plain = state_dir + "/control.sock";
  return read_file(state_dir + "/control.path", 4096).value_or(plain);
}

}  // namespace hale::cli
