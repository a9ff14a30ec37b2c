// Where a supervisor keeps its state, and how a client finds the supervisor. One supervisor per state directory, by a
// lock that ends with its process; running ones are listed in the user's runtime directory.
//
//     STATE/lock            held while a supervisor runs; holds its pid
//     STATE/control.sock    the control socket       STATE/notify.sock   where instances report
//     STATE/*.path          where that socket is instead, when the path is too long for the kernel
//     STATE/logs/           what the instances print
//     RUNTIME/HASH.run      "STATE\nCLUSTER\n" of a running supervisor
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"

namespace hale::cli {

/// A command that cannot go on: what to exit with, and the line that says why and what to do next.
struct failure {
  int exit_code = 1;
  std::string line;
};

/// $XDG_STATE_HOME/hale/NAME; when unset ~/.local/state/hale/NAME, or /var/lib/hale/NAME for root.
result<std::string, failure> default_state_directory(std::string_view cluster);

/// A state directory held by this process. It is let go, and no longer listed, when this ends.
class state_directory {
 public:
  /// Makes the directory where it is missing.
  static result<state_directory, failure> claim(std::string path, const std::string& cluster);
  state_directory(state_directory&& other) noexcept;
  state_directory& operator=(state_directory&&) = delete;
  ~state_directory();

  const std::string& path() const noexcept { return path_; }
  const std::string& control_socket() const noexcept { return control_socket_; }
  const std::string& notify_socket() const noexcept { return notify_socket_; }
  std::string logs() const { return path_ + "/logs"; }

 private:
  state_directory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::error_code place_socket(std::string_view name, std::string& at) const;

  std::string path_;
  std::string control_socket_;
  std::string notify_socket_;
  std::string entry_;  ///< in the runtime directory; empty: not listed
  int lock_ = -1;
};

struct running_supervisor {
  std::string state_dir;
  std::string cluster;
};
/// Ordered by cluster, then by directory.
std::vector<running_supervisor> running_supervisors();

/// Whether a supervisor holds `state_dir` now.
bool is_running(const std::string& state_dir);

/// The state directory that --state and --name (each may be empty) stand for, whether a supervisor runs there or not;
/// without them that of ./hale.toml if one runs there, else the only one running.
result<std::string, failure> find_state_directory(const std::string& state, const std::string& name);

/// The control socket in use for a state directory.
std::string control_socket_of(const std::string& state_dir);

}  // namespace hale::cli
