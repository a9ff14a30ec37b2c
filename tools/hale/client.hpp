// A command's way to a running supervisor. What goes wrong on the way is turned into failures with an exit code and a
// line that says what to do next, so that commands only handle what they asked for.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "command_line.hpp"
#include "hale/async/task.hpp"
#include "hale/base/result.hpp"
#include "hale/control/control_client.hpp"
#include "hale/heal/status.hpp"
#include "hale/os/event_loop.hpp"
#include "hale/os/linux_clock.hpp"
#include "hale/os/linux_network.hpp"
#include "state_directory.hpp"

namespace hale::cli {

class client {
 public:
  /// The control socket of the supervisor that --state and --name mean. Whether it answers is seen with the first
  /// request.
  static result<std::string, failure> find_socket(const command_line& line);
  explicit client(std::string socket);

  /// Drives a command's coroutine to its end.
  template <class T>
  T run(task<T> body) {
    return loop_.run(std::move(body));
  }
  const hale::clock& time() const noexcept { return clock_; }

  /// Waits as long as the supervisor does: until the command has come to its end. Gives the body of a 2xx answer.
  task<result<std::string, failure>> post(std::string target, std::string body = {});
  task<result<cluster_status, failure>> status();
  /// Gives each line of the answer to `each` until the answer ends or `each` returns false.
  task<result<std::size_t, failure>> stream(std::string target, std::function<bool(std::string_view)> each);

 private:
  task<result<std::string, failure>> exchange(std::string method, std::string target, std::string body, deadline limit);
  failure broken(std::error_code why) const;

  std::string socket_;
  os::event_loop loop_;
  os::linux_clock clock_;
  os::linux_network network_;
  control_client control_;
};

}  // namespace hale::cli
