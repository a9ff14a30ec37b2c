#include "hale/config/signal_name.hpp"

#include <algorithm>
#include <array>

#include "hale/base/text.hpp"

namespace hale {
namespace {

// Signal n stands at n - 1.
constexpr std::array<std::string_view, 31> names = {
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE",
    "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
    "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"};

std::string_view without_prefix(std::string_view name) {
  if (name.starts_with("SIG") || name.starts_with("sig")) name.remove_prefix(3);
  return name;
}

}  // namespace

std::optional<int> signal_from_name(std::string_view name) noexcept {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin()) + 1;
}

std::string nearest_signal_name(std::string_view name) {
  return std::string(nearest_name(without_prefix(name), names));
}

}  // namespace hale
