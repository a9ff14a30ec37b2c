// The errors hale itself gives. System errors keep their errno in std::system_category().
#pragma once

#include <system_error>

namespace hale {

enum class errc {
  cancelled = 1,    ///< the operation's scope was cancelled
  timed_out,        ///< its deadline passed
  closed,           ///< the other side, or we, closed it
  destroyed,        ///< called after destroy() or stop()
  too_large,        ///< a bound on size was passed
  malformed,        ///< bytes that do not follow their format
  not_found,        ///< nothing of that name
  refused,          ///< well-formed, but not allowed now; the reason is said beside it
};

const std::error_category& hale_category() noexcept;
inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), hale_category()}; }

/// An errno value as an error code.
inline std::error_code system_error(int errno_value) noexcept { return {errno_value, std::system_category()}; }

}  // namespace hale

template <>
struct std::is_error_code_enum<hale::errc> : std::true_type {};
