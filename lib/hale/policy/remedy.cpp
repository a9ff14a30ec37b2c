#include "hale/policy/remedy.hpp"

namespace hale {

std::string_view to_string(remedy_action action) noexcept {
  switch (action) {
    case remedy_action::none: return "none";
    case remedy_action::restart: return "restart";
    case remedy_action::migrate: return "migrate";
    case remedy_action::scale_down: return "scale_down";
    case remedy_action::alert: return "alert";
  }
  return "unknown";
}

remedy_action choose(health_status status, bool attempts_remain) noexcept {
  if (status == health_status::healthy || status == health_status::degraded) return remedy_action::none;
  return attempts_remain ? remedy_action::restart : remedy_action::alert;
}

}  // namespace hale
