// Signals by their names, as in "TERM" or "SIGTERM". The numbers are those of Linux on all machines hale runs on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hale {

std::optional<int> signal_from_name(std::string_view name) noexcept;
/// The name of a signal that was probably meant; empty when none is near.
std::string nearest_signal_name(std::string_view name);

}  // namespace hale
