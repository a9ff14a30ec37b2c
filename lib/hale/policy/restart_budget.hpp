// How often a sick instance is restarted, and when hale stops trying (behaviour, section 6).
#pragma once

#include <cstdint>

#include "hale/base/time.hpp"
#include "hale/policy/cause.hpp"

namespace hale {

enum class restart_when { always, on_failure, never };

/// Whether the policy wants a process back that ended for this cause without being asked to.
bool restart_wanted(restart_when policy, cause why) noexcept;

struct restart_limits {
  std::uint32_t attempts = 5;                       ///< restarts before cooling
  duration reset_after = std::chrono::seconds(60);  ///< of healthy time. REQUIRES: > 0
  duration cool = std::chrono::minutes(5);          ///< zero: give up for good
  friend bool operator==(const restart_limits&, const restart_limits&) = default;
};

struct restart_decision {
  enum class kind {
    now,      ///< at once: it had been stable
    backoff,  ///< after backoff_delay(attempt)
    cool,     ///< attempts exhausted: one spawn after `cool`
    give_up,  ///< attempts exhausted, and nothing more is tried
  };
  kind what = kind::now;
  std::uint32_t attempt = 1;  ///< which attempt this restart is; the number of attempts once exhausted
  friend bool operator==(const restart_decision&, const restart_decision&) = default;
};

class restart_budget {
 public:
  explicit restart_budget(restart_limits limits) noexcept : limits_(limits) {}

  /// It failed, after having been healthy for `healthy_for` (zero if never): what now? Uses up an attempt.
  restart_decision next(duration healthy_for) noexcept;
  /// Stable for long enough, or a person intervened.
  void reset() noexcept;
  /// Attempts used up since it was last stable.
  std::uint32_t attempt() const noexcept { return attempt_; }
  /// Whether next() has said cool or give_up since the last reset.
  bool exhausted() const noexcept { return exhausted_; }
  const restart_limits& limits() const noexcept { return limits_; }

 private:
  restart_limits limits_;
  std::uint32_t attempt_ = 0;
  bool exhausted_ = false;
};

}  // namespace hale
