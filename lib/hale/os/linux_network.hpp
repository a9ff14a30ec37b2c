// TCP and unix sockets. Every operation is tried before it is waited for; on loopback nearly all succeed at once.
#pragma once

#include "hale/os/event_loop.hpp"
#include "hale/world/network.hpp"

namespace hale::os {

class linux_network final : public network {
 public:
  explicit linux_network(event_loop& loop) noexcept : loop_(loop) {}
  /// Hosts are numeric, or "localhost"; anything else is errc::not_found.
  task<result<std::unique_ptr<byte_stream>>> connect(endpoint to, deadline limit) override;
  result<std::unique_ptr<listener>> listen(endpoint at) override;
  std::error_code check_bindable(endpoint at) noexcept override;
  result<std::unique_ptr<datagram_socket>> bind_datagram(std::string path) override;

 private:
  event_loop& loop_;
};

}  // namespace hale::os
