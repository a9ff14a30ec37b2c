// Whether a text is a numeric IPv4 or IPv6 address. Names would need a resolver, so hale takes addresses only.
#pragma once

#include <string_view>

namespace hale {

/// "127.0.0.1", "::1", "::ffff:10.0.0.1"; no brackets, no zone.
bool is_ip_address(std::string_view text) noexcept;

}  // namespace hale
