// What client and server both do with a byte stream. For the sources of this room only.
#pragma once

#include <string_view>

#include "hale/world/network.hpp"

namespace hale {

/// Writes every byte. What `bytes` points to outlives the call.
inline task<std::error_code> write_all(byte_stream& to, std::string_view bytes, deadline limit) {
  while (!bytes.empty()) {
    auto writing = to.write_some(std::span<const char>(bytes.data(), bytes.size()), limit);
    const result<std::size_t> written = co_await std::move(writing);
    if (!written) co_return written.error();
    bytes.remove_prefix(*written);
  }
  co_return std::error_code();
}

inline constexpr std::size_t read_size_bytes = 4096;

}  // namespace hale
