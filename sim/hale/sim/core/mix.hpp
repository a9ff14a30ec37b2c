// The two hash functions of the simulator: the finaliser of splitmix64, and FNV-1a for texts. Same on every machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace hale::sim {

constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value ^= value >> 30;
  value *= 0xbf58476d1ce4e5b9ull;
  value ^= value >> 27;
  value *= 0x94d049bb133111ebull;
  value ^= value >> 31;
  return value;
}

constexpr std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char letter : text) {
    hash ^= static_cast<unsigned char>(letter);
    hash *= 0x100000001b3ull;
  }
  return hash;
}

}  // namespace hale::sim
