// How simulated runs are made: as it is typed after `hale sim`, and as a tape remembers it, which is the same text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/result.hpp"
#include "hale/base/time.hpp"
#include "hale/sim/fault/catalogue.hpp"

namespace hale::cli {

struct sim_options {
  std::optional<std::uint64_t> seed;
  std::optional<duration> length;
  std::optional<std::uint32_t> quiet_after_percent;
  std::optional<std::vector<sim::fault_kind>> faults;  ///< none: all that come by default; empty: no faults
};

/// Each takes one option's value; the error is a sentence that names the option.
result<std::uint64_t, std::string> parse_seed(std::string_view text);
result<std::uint64_t, std::string> parse_seed_count(std::string_view text);
result<duration, std::string> parse_length(std::string_view text);
result<std::uint32_t, std::string> parse_quiet_after(std::string_view text);
result<std::vector<sim::fault_kind>, std::string> parse_faults(std::string_view text);

/// As it would be typed, one space between words.
std::string to_text(const sim_options& of);
result<sim_options, std::string> parse_sim_options(std::string_view text);
/// What of `typed` is not as the tape has it; empty: nothing.
std::string contradiction(const sim_options& typed, const sim_options& of_tape);

/// Every fault with how often it comes and what it is, one a line.
std::string fault_table();

/// `text` as one word of a shell's command line.
std::string shell_word(std::string_view text);

}  // namespace hale::cli
