// What the demo model server was asked to do, from its command line and environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fault.hpp"

namespace demo {

using clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC: the same for all processes of a machine
using std::chrono::milliseconds;

struct options {
  std::uint16_t port = 0;
  std::string name = "demo";
  std::string model = "demo.gguf";
  bool model_must_exist = false;  ///< --model was given
  milliseconds load_time{0};
  std::uint64_t load_memory_bytes = 0;
  milliseconds load_log_interval{500};
  milliseconds stop_delay{0};
  std::uint64_t oom_bound_bytes = std::uint64_t{1} << 30;
  bool ignore_term = false;
  bool grandchild = false;
  bool heartbeat = false;
  std::string first_fault;  ///< in effect from the start; empty: none
  std::vector<scheduled_fault> schedule;
  std::optional<clock::time_point> epoch;  ///< what the times of the schedule count from; default: its own start
};

/// Throws std::invalid_argument with one line for a person. Empty: help was asked for and printed.
std::optional<options> parse_options(const std::vector<std::string>& words);

/// "500ms", "20s", "2m". Throws std::invalid_argument.
milliseconds parse_duration(std::string_view text);

/// "64MiB", "1GiB", "4096". Throws std::invalid_argument.
std::uint64_t parse_size(std::string_view text);

}  // namespace demo
