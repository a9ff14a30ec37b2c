// hale's own oracles: the list of promises, by the numbers of the project's design notes.
#pragma once

#include <span>
#include <string_view>

#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

/// Adds every oracle whose feature exists.
void add_all_oracles(judge& to);

/// A promise about a feature that does not exist yet.
struct pending_oracle {
  int number;
  std::string_view name;
  std::string_view waits_for;
};
std::span<const pending_oracle> pending_oracles() noexcept;

}  // namespace hale::sim
