#include "hale/control/control_access.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

namespace hale {
namespace {

// "host:port", "[v6]:port" or "host" without its port and brackets.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

}  // namespace

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept {
  unsigned difference = left.size() == right.size() ? 0 : 1;
  for (std::size_t index = 0; index < left.size(); ++index) {
    const char other = right.empty() ? '\0' : right[index % right.size()];
    difference |= static_cast<unsigned char>(left[index] ^ other);
  }
  return difference == 0;
}

control_access control_access::for_user(std::uint32_t own_user) {
  control_access access;
  access.own_user_ = own_user;
  return access;
}

control_access control_access::for_token(std::string token, std::string host) {
  assert(!token.empty());
  control_access access;
  access.token_ = std::move(token);
  access.host_ = std::move(host);
  return access;
}

std::string control_access::refusal(const http_request& request, const http_peer& peer) const {
  if (token_.has_value()) return refusal_by_token(request);
  if (!peer.user.has_value()) return "the kernel does not say who you are; use the control socket of the cluster";
  if (*peer.user == own_user_ || *peer.user == 0) return {};
  return fmt::format("user {} may not control this cluster; run the command as user {} or as root", *peer.user, own_user_);
}

bool control_access::is_own_host(std::string_view authority) const {
  const std::string_view host = host_of(authority);
  return host == "localhost" || host == "127.0.0.1" || host == "::1" || (!host.empty() && host == host_);
}

std::string control_access::refusal_by_token(const http_request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string* host = request.headers.find("Host");
  if (host == nullptr || request.headers.count("Host") != 1 || !is_own_host(*host)) {
    return "requests for another host are refused; use the address hale listens on";
  }
  if (const std::string* origin = request.headers.find("Origin")) {
    const std::size_t scheme_end = origin->find("://");
    if (scheme_end == std::string::npos || !is_own_host(std::string_view(*origin).substr(scheme_end + 3))) {
      return "requests from pages of another origin are refused";
    }
  }
  const std::string* given = request.headers.find("Authorization");
  const bool known = given != nullptr && given->starts_with(scheme) &&
                     equal_in_constant_time(std::string_view(*given).substr(scheme.size()), *token_);
  return known ? std::string() : "send the token in the state directory as: Authorization: Bearer TOKEN";
}

}  // namespace hale
