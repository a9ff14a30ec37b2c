#include "hale/os/socket_address.hpp"

#include <arpa/inet.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "hale/base/error.hpp"

namespace hale::os {

socket_address::socket_address() noexcept { std::memset(&unix_, 0, sizeof unix_); }

result<socket_address> socket_address::of(const endpoint& where) {
  socket_address made;
  if (where.type == endpoint::kind::unix_path) {
    if (where.host.empty()) return system_error(ENOENT);
    if (where.host.size() >= sizeof made.unix_.sun_path) return system_error(ENAMETOOLONG);
    made.unix_.sun_family = AF_UNIX;
    std::memcpy(made.unix_.sun_path, where.host.data(), where.host.size());
    made.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + where.host.size() + 1);
    return made;
  }
  std::string host = where.host == "localhost" ? "127.0.0.1" : where.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (::inet_pton(AF_INET, host.c_str(), &made.v4_.sin_addr) == 1) {
    made.v4_.sin_family = AF_INET;
    made.v4_.sin_port = htons(where.port);
    made.size_ = sizeof made.v4_;
    return made;
  }
  made = socket_address();
  if (::inet_pton(AF_INET6, host.c_str(), &made.v6_.sin6_addr) == 1) {
    made.v6_.sin6_family = AF_INET6;
    made.v6_.sin6_port = htons(where.port);
    made.size_ = sizeof made.v6_;
    return made;
  }
  return errc::not_found;
}

socket_address socket_address::local_of(int fd) noexcept {
  socket_address found;
  socklen_t size = sizeof found.unix_;
  if (::getsockname(fd, &found.any_, &size) == 0) found.size_ = size;
  return found;
}

socket_address socket_address::peer_of(int fd) noexcept {
  socket_address found;
  socklen_t size = sizeof found.unix_;
  if (::getpeername(fd, &found.any_, &size) == 0) found.size_ = size;
  return found;
}

endpoint socket_address::as_endpoint() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &v4_.sin_addr, text, sizeof text);
    return endpoint::tcp(text, ntohs(v4_.sin_port));
  }
  if (family() == AF_INET6) {
    ::inet_ntop(AF_INET6, &v6_.sin6_addr, text, sizeof text);
    return endpoint::tcp(text, ntohs(v6_.sin6_port));
  }
  return endpoint::unix_path(unix_.sun_path);
}

bool operator==(const socket_address& left, const socket_address& right) noexcept {
  return left.size_ == right.size_ && std::memcmp(&left.unix_, &right.unix_, left.size_) == 0;
}

}  // namespace hale::os
