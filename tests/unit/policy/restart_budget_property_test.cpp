// The restart budget against a naive model that keeps the whole history and counts it anew each time.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>
#include <vector>

#include "hale/policy/restart_budget.hpp"

namespace {

using kind = hale::restart_decision::kind;

struct failure {
  std::int64_t healthy_seconds;
  bool by_hand_before;  ///< a person reset the budget before it
};

/// From the history alone: failures since it was last stable or reset, the one after a stable time included.
hale::restart_decision naive(const std::vector<failure>& history, const hale::restart_limits& limits) {
  std::uint32_t restarts = 0;
  for (std::size_t i = history.size(); i-- > 0;) {
    ++restarts;
    if (history[i].by_hand_before || std::chrono::seconds(history[i].healthy_seconds) >= limits.reset_after) break;
  }
  const bool stable = std::chrono::seconds(history.back().healthy_seconds) >= limits.reset_after;
  if (restarts > limits.attempts) {
    return {limits.cool == hale::duration::zero() ? kind::give_up : kind::cool, limits.attempts};
  }
  return {stable ? kind::now : kind::backoff, restarts};
}

}  // namespace

RC_BOOST_PROP(the_budget_decides_as_its_history_says, ()) {
  const hale::restart_limits limits{*rc::gen::inRange<std::uint32_t>(0, 5),
                                    std::chrono::seconds(*rc::gen::inRange(1, 5)),
                                    std::chrono::seconds(*rc::gen::inRange(0, 2))};
  hale::restart_budget budget(limits);
  std::vector<failure> history;
  const int length = *rc::gen::inRange(1, 40);
  for (int i = 0; i < length; ++i) {
    history.push_back(
        {*rc::gen::weightedElement<std::int64_t>({{6, 0}, {1, 1}, {1, 3}, {1, 5}}), *rc::gen::inRange(0, 12) == 0});
    if (history.back().by_hand_before) budget.reset();
    const auto expected = naive(history, limits);
    const auto decided = budget.next(std::chrono::seconds(history.back().healthy_seconds));
    RC_ASSERT(decided == expected);
    RC_ASSERT(budget.attempt() == expected.attempt);
    RC_ASSERT(budget.exhausted() == (expected.what == kind::cool || expected.what == kind::give_up));
  }
}

RC_BOOST_PROP(between_two_stable_times_no_more_than_the_attempts_are_made_without_cooling, ()) {
  const hale::restart_limits limits{*rc::gen::inRange<std::uint32_t>(0, 6), std::chrono::seconds(60),
                                    std::chrono::minutes(5)};
  hale::restart_budget budget(limits);
  std::uint32_t quick = 0;
  const int length = *rc::gen::inRange(0, 30);
  for (int i = 0; i < length; ++i) {
    const auto what = budget.next(std::chrono::seconds(*rc::gen::inRange(0, 60))).what;
    if (what != kind::cool) ++quick;
  }
  RC_ASSERT(quick <= limits.attempts);
}
