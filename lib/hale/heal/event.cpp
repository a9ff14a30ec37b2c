#include "hale/heal/event.hpp"

namespace hale {

std::string_view to_string(event_kind kind) noexcept {
  switch (kind) {
    case event_kind::state: return "state";
    case event_kind::health: return "health";
    case event_kind::spawn: return "spawn";
    case event_kind::exit: return "exit";
    case event_kind::probe_error: return "probe_error";
    case event_kind::signature: return "signature";
    case event_kind::oom: return "oom";
    case event_kind::action: return "action";
    case event_kind::alert: return "alert";
    case event_kind::alert_resolved: return "alert_resolved";
    case event_kind::foreign: return "foreign";
    case event_kind::correlated_failure: return "correlated_failure";
    case event_kind::rollout: return "rollout";
    case event_kind::reload: return "reload";
    case event_kind::supervisor: return "supervisor";
  }
  return "unknown";
}

}  // namespace hale
