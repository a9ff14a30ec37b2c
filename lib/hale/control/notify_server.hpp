// Takes what instances say on their notify socket and hands it to the supervisor. Anybody on the machine may write
// there: nothing that arrives, and no error of the socket, stops it or makes it spin.
#pragma once

#include <cstdint>

#include "hale/async/task.hpp"
#include "hale/control/control_target.hpp"
#include "hale/world/clock.hpp"
#include "hale/world/network.hpp"

namespace hale {

/// What was dropped on the way. The supervisor counts what it is given and cannot use.
struct notify_counters {
  std::uint64_t received = 0;
  std::uint64_t too_long = 0;
  std::uint64_t errors = 0;
};

/// Until it is cancelled or the socket is closed. All references outlive it.
task<void> serve_notify(datagram_socket& from, control_target& to, const hale::clock& time, notify_counters& counters);

}  // namespace hale
