#include "hale/os/linux_random.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <bit>
#include <cassert>

#include "hale/os/event_loop.hpp"

namespace hale::os {
namespace {
std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
}  // namespace

linux_random::linux_random() noexcept {
  if (::getrandom(state_.data(), sizeof state_, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof state_)) return;
  // Early in boot the kernel may have nothing to give: jitter needs no secrets.
  std::uint64_t seed = static_cast<std::uint64_t>(monotonic_now().time_since_epoch().count()) ^
                       (static_cast<std::uint64_t>(::getpid()) << 32);
  for (std::uint64_t& word : state_) word = splitmix64(seed);
}

std::uint64_t linux_random::next() noexcept {
  const std::uint64_t drawn = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return drawn;
}

std::uint64_t linux_random::below(std::uint64_t bound, std::string_view) noexcept {
  assert(bound > 0);
  const std::uint64_t surplus = (0 - bound) % bound;  // 2^64 mod bound: draws below it would be one too many
  for (;;) {
    const std::uint64_t drawn = next();
    if (drawn >= surplus) return drawn % bound;
  }
}

}  // namespace hale::os
