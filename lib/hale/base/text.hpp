// Durations, sizes and times as people write them, and the nearest of some names: shared by the cluster file, the
// command line and everything that is shown.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hale/base/result.hpp"
#include "hale/base/time.hpp"

namespace hale {

/// "500ms", "2s", "1m30s", "20m", "1h", "30d", "250us", "1.5s"; a unit is required. errc::malformed otherwise, also
/// when negative or beyond the range.
result<duration> parse_duration(std::string_view text) noexcept;
/// Short, and read back exactly where two units or three decimals are enough, cut off otherwise: "1m30s", "46s".
std::string format_duration(duration value);

/// "10MiB", "8GiB", "512KiB", "1GB" (10^9), "100" is malformed: a unit ("B" at least) is required.
result<std::uint64_t> parse_size(std::string_view text) noexcept;
std::string format_size(std::uint64_t bytes);

/// UTC with milliseconds: "2026-11-21T20:25:00.123Z".
std::string to_rfc3339(wall_time at);
result<wall_time> parse_rfc3339(std::string_view text) noexcept;

/// The candidate with the least edit distance to `name`, if it is near enough to be a slip; empty otherwise.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) noexcept;

}  // namespace hale
