// What is done about a diagnosis.
#pragma once

#include <string_view>

#include "hale/policy/diagnosis.hpp"

namespace hale {

enum class remedy_action { none, restart, migrate, scale_down, alert };
std::string_view to_string(remedy_action action) noexcept;

/// healthy and degraded: none; unhealthy and dead: restart while attempts remain, then alert.
remedy_action choose(health_status status, bool attempts_remain) noexcept;

}  // namespace hale
