// What a process says about itself on its notify socket: the datagrams of sd_notify(3), lines of KEY=VALUE. Anybody may
// write there, so all of it is suspect; a line that cannot be understood is counted and harms nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"

namespace hale {

struct sd_notification {
  bool ready = false;      ///< READY=1
  bool reloading = false;  ///< RELOADING=1
  bool stopping = false;   ///< STOPPING=1
  bool watchdog = false;   ///< WATCHDOG=1: a heartbeat
  bool watchdog_trigger = false;  ///< WATCHDOG=trigger: it reports itself broken
  std::optional<std::string> status;
  std::optional<int> error_number;                  ///< ERRNO
  std::optional<std::uint64_t> watchdog_usec;       ///< WATCHDOG_USEC: the heartbeat it wants to keep from now on
  std::optional<std::uint64_t> extend_timeout_usec; ///< EXTEND_TIMEOUT_USEC
  std::uint32_t unknown_fields = 0;   ///< well-formed, of no meaning here
  std::uint32_t malformed_lines = 0;  ///< no key, or a value out of range
};

inline constexpr std::size_t max_notification_bytes = 4096;

/// errc::too_large beyond max_notification_bytes; errc::malformed if it holds NUL or other control characters than tab
/// and line feed. Of a field said twice the last counts.
result<sd_notification> parse_notification(std::string_view datagram);

}  // namespace hale
