#include "hale/policy/restart_budget.hpp"

namespace hale {

bool restart_wanted(restart_when policy, cause why) noexcept {
  switch (policy) {
    case restart_when::always: return true;
    case restart_when::on_failure: return why != cause::exit_clean;
    case restart_when::never: return false;
  }
  return false;
}

restart_decision restart_budget::next(duration healthy_for) noexcept {
  // Not healthy at all is never stable, or a limit of zero would make a hot loop.
  const bool was_stable = healthy_for > duration::zero() && healthy_for >= limits_.reset_after;
  if (was_stable) reset();
  if (!exhausted_ && attempt_ < limits_.attempts) {
    ++attempt_;
    return {was_stable ? restart_decision::kind::now : restart_decision::kind::backoff, attempt_};
  }
  exhausted_ = true;
  return {limits_.cool > duration::zero() ? restart_decision::kind::cool : restart_decision::kind::give_up, attempt_};
}

void restart_budget::reset() noexcept {
  attempt_ = 0;
  exhausted_ = false;
}

}  // namespace hale
