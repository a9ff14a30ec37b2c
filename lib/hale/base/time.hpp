// Time as the whole of hale knows it. Two clocks that never mix: `instant` counts nanoseconds on one machine's
// monotonic clock and is the only thing a decision may rest on; `wall_time` is for people and for records. Neither
// clock type has a now(): only the world can tell the time, so reading a real clock by accident does not compile.
#pragma once

#include <chrono>
#include <cstdint>

namespace hale {

using duration = std::chrono::nanoseconds;

struct monotonic_clock {
  using duration = hale::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<monotonic_clock, duration>;
  static constexpr bool is_steady = true;
};

struct wall_clock {
  using duration = hale::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<wall_clock, duration>;
  static constexpr bool is_steady = false;
};

/// A point on the machine's monotonic clock. Its zero means nothing.
using instant = monotonic_clock::time_point;

/// Nanoseconds since the Unix epoch, UTC. For display and records only, never for a decision.
using wall_time = wall_clock::time_point;

/// `at + by`, held inside the representable range, so that "for ever" can be added to anything.
constexpr instant saturating_add(instant at, duration by) {
  const std::int64_t left = at.time_since_epoch().count();
  const std::int64_t right = by.count();
  std::int64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) return right > 0 ? instant::max() : instant::min();
  return instant(duration(sum));
}

/// The latest moment at which an operation may still succeed; `never()` waits for ever.
class deadline {
 public:
  constexpr deadline() = default;
  constexpr explicit deadline(instant at) : at_(at) {}
  static constexpr deadline never() { return deadline(); }
  static constexpr deadline after(instant now, duration wait) { return deadline(saturating_add(now, wait)); }

  constexpr bool is_never() const { return at_ == instant::max(); }
  constexpr instant at() const { return at_; }
  constexpr bool passed(instant now) const { return now >= at_; }
  constexpr duration left(instant now) const { return passed(now) ? duration::zero() : at_ - now; }
  friend constexpr auto operator<=>(const deadline&, const deadline&) = default;

 private:
  instant at_ = instant::max();
};

}  // namespace hale
