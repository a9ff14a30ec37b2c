// An event in as few bytes as is simple: what the history keeps, a quarter of its JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hale/heal/event.hpp"

namespace hale {

/// The longest packed event; one with more to say loses the end of its longest texts, details first.
inline constexpr std::size_t max_packed_event_bytes = 16 * 1024;

/// Everything but the sequence number.
std::string pack(const event& what);
/// REQUIRES: `bytes` came from pack().
event unpack(std::string_view bytes, std::uint64_t sequence);
/// When a packed event happened, without unpacking the rest.
wall_time packed_time(std::string_view bytes) noexcept;

}  // namespace hale
