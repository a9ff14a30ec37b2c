// The state of a cluster as a table for people, at most 80 columns wide: one line an instance, and below it why, where
// something is wrong.
#pragma once

#include <string>

#include "hale/heal/status.hpp"
#include "terminal.hpp"

namespace hale::cli {

inline constexpr std::size_t table_width = 80;

/// Ends with a newline.
std::string status_table(const cluster_status& status, const palette& colours);

/// A duration in at most six columns: "46s", "3m12s", "5d4h".
std::string short_duration(duration value);

}  // namespace hale::cli
