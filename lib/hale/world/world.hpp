// The seam: everything hale can learn from or do to its surroundings. One world is passed to constructors; there is no
// second way to tell the time, start a process, open a socket or draw a number. Linux is in os/, the simulator in sim/.
#pragma once

#include "hale/async/executor.hpp"
#include "hale/world/clock.hpp"
#include "hale/world/log_store.hpp"
#include "hale/world/network.hpp"
#include "hale/world/process.hpp"
#include "hale/world/random.hpp"

namespace hale {

/// All references outlive everything that was given the world.
struct world {
  hale::executor& executor;
  hale::clock& clock;
  hale::process_host& processes;
  hale::network& network;
  hale::random_source& random;
  hale::log_store& logs;
};

}  // namespace hale
