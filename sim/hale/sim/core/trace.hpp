// The fingerprint of a run: a rolling hash over every step (who ran, when, what else could have run) and every noted
// event. Equal runs have equal hashes; kept samples tell where two runs that should be equal part ways. Reading or
// writing it never changes what happens.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hale/base/time.hpp"
#include "hale/sim/core/mix.hpp"

namespace hale::sim {

class trace {
 public:
  static constexpr std::uint64_t sample_interval = 1024;  ///< steps

  void step(std::uint64_t node, instant now, std::uint64_t runnable) noexcept {
    add(node);
    add(static_cast<std::uint64_t>(now.time_since_epoch().count()));
    add(runnable);
    if (++steps_ % sample_interval == 0) samples_.push_back(hash_);
    if (checked_ != nullptr) compare();
    if (keep_steps_) every_step_.push_back(hash_);
  }
  void note(std::string_view what, std::uint64_t detail) noexcept {
    add(hash_text(what));
    add(detail);
  }

  std::uint64_t hash() const noexcept { return mix(hash_); }
  std::uint64_t steps() const noexcept { return steps_; }
  const std::vector<std::uint64_t>& samples() const noexcept { return samples_; }

  /// Keeps the hash after every step: eight bytes each.
  void keep_every_step() noexcept { keep_steps_ = true; }
  /// Compares every step with those of a run that kept them; that trace outlives this one.
  void check_against(const trace& before) noexcept { checked_ = &before; }
  /// The number of the first step (from 1) that differed from the run checked against; 0: none did.
  std::uint64_t first_difference() const noexcept { return differs_at_; }

 private:
  void add(std::uint64_t value) noexcept { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15ull; hash_ ^= hash_ >> 29; }
  void compare() noexcept {
    if (differs_at_ != 0) return;
    const bool same = steps_ <= checked_->every_step_.size() && checked_->every_step_[steps_ - 1] == hash_;
    if (!same) differs_at_ = steps_;
  }

  std::uint64_t hash_ = 0x243f6a8885a308d3ull;
  std::uint64_t steps_ = 0;
  std::vector<std::uint64_t> samples_;
  bool keep_steps_ = false;
  std::vector<std::uint64_t> every_step_;
  const trace* checked_ = nullptr;
  std::uint64_t differs_at_ = 0;
};

}  // namespace hale::sim
