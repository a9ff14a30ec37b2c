#include "hale/policy/cause.hpp"

#include <array>
#include <cstddef>

namespace hale {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 23> spellings = {
    "exec_failed",      "config_error",       "port_taken",    "exit_clean",   "exit_error",      "killed_by_signal",
    "oom_killed",       "gpu_oom",            "memory_limit",  "crash",        "hung",            "no_heartbeat",
    "probe_failed",     "wrong_answer",       "high_error_rate", "start_stalled", "start_timeout", "dependency_lost",
    "stuck_in_kernel",  "resource_exhausted", "operator",      "rollout",      "unknown",
};
static_assert(spellings.size() == static_cast<std::size_t>(cause::unknown) + 1);

}  // namespace

std::string_view to_string(cause value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < spellings.size() ? spellings[index] : spellings.back();
}

std::optional<cause> cause_from_string(std::string_view text) noexcept {
  for (std::size_t i = 0; i < spellings.size(); ++i) {
    if (spellings[i] == text) return static_cast<cause>(i);
  }
  return std::nullopt;
}

}  // namespace hale
