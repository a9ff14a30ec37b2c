// Serves the control API on one listener for as long as there is something to control, and closes it in good order: those
// who follow a stream get the last of it and a proper end.
#pragma once

#include "hale/control/control_api.hpp"
#include "hale/wire/http_server.hpp"
#include "hale/world/network.hpp"

namespace hale {

/// Until it is cancelled or the listener is closed. All references outlive it. Then followers have at most a second to
/// take what is left; every other request ends at once.
task<void> serve_control(listener& at, control_api& api, const hale::clock& time);

}  // namespace hale
