// Who listens on a TCP port, from the kernel's socket table and the descriptors of all processes.
#pragma once

#include "hale/world/process.hpp"

namespace hale::os {

/// What may not be read is left empty.
port_holder find_port_holder(std::uint16_t port) noexcept;

}  // namespace hale::os
