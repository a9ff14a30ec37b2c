// What happened, in the one form in which everything is told: to the log, to `hale events`, to history and to tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/ids.hpp"
#include "hale/base/time.hpp"
#include "hale/policy/cause.hpp"

namespace hale {

enum class event_kind {
  state, health, spawn, exit, probe_error, signature, oom, action, alert, alert_resolved, foreign, correlated_failure,
  rollout, reload, supervisor,
};
std::string_view to_string(event_kind kind) noexcept;

/// Fields as in behaviour §12; an empty text or optional is null in JSON.
struct event {
  std::uint64_t sequence = 0;  ///< given by the supervisor, from 1, without gaps
  wall_time at{};
  std::string service;
  std::string instance;
  incarnation_number incarnation{};  ///< 0: none
  event_kind kind = event_kind::supervisor;
  std::string from;
  std::string to;
  std::string action;
  std::optional<hale::cause> cause;
  std::string reason;  ///< one line a person understands
  std::optional<bool> success;
  std::string details;  ///< free text, may be long; empty: none
};

/// Told every event, in order, in the step in which it happens. Must not block or throw.
class event_sink {
 public:
  virtual void on_event(const event& what) noexcept = 0;

 protected:
  ~event_sink() = default;
};

}  // namespace hale
