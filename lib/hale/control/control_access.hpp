// Who may use the control API. Over a unix socket: the user the supervisor runs as, and root, by the kernel's word. Over
// TCP: whoever knows the token and is not a web page of somewhere else: the Host, and the Origin if there is one, must be
// this machine's own or the address that is listened on (a browser can be made to send requests, but not to lie there).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hale/wire/http_server.hpp"

namespace hale {

class control_access {
 public:
  /// Unix peers of this user, and root.
  static control_access for_user(std::uint32_t own_user);
  /// TCP peers that send `Authorization: Bearer TOKEN`; `host` is the address listened on. REQUIRES: !token.empty()
  static control_access for_token(std::string token, std::string host);

  /// Empty: allowed. Otherwise why not, and what to do next.
  std::string refusal(const http_request& request, const http_peer& peer) const;

 private:
  control_access() = default;
  std::string refusal_by_token(const http_request& request) const;
  bool is_own_host(std::string_view authority) const;

  std::uint32_t own_user_ = 0;
  std::optional<std::string> token_;
  std::string host_;
};

/// In a time that depends on the lengths alone.
bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

}  // namespace hale
