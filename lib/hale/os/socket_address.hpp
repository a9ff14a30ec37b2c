// An endpoint as the kernel takes it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hale/base/result.hpp"
#include "hale/world/network.hpp"

namespace hale::os {

class socket_address {
 public:
  /// ENAMETOOLONG for a path the kernel cannot hold; errc::not_found for a host that is not numeric.
  static result<socket_address> of(const endpoint& where);
  /// The address `fd` is bound to; an empty one where it has none.
  static socket_address local_of(int fd) noexcept;
  static socket_address peer_of(int fd) noexcept;

  const sockaddr* data() const noexcept { return &any_; }
  socklen_t size() const noexcept { return size_; }
  int family() const noexcept { return any_.sa_family; }
  endpoint as_endpoint() const;
  friend bool operator==(const socket_address& left, const socket_address& right) noexcept;

 private:
  socket_address() noexcept;
  union {
    sockaddr any_;
    sockaddr_in v4_;
    sockaddr_in6 v6_;
    sockaddr_un unix_;
  };
  socklen_t size_ = 0;
};

}  // namespace hale::os
