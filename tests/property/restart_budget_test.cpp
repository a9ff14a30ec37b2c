// The restart budget and the repeat guard against naive models that keep the whole history and count it anew each time.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <vector>

#include "hale/policy/repeat_guard.hpp"
#include "hale/policy/restart_budget.hpp"

namespace {

using kind = hale::restart_decision::kind;
using hale::cause;
using hale::restart_class;

struct failure {
  hale::duration healthy_for{};
  bool by_hand_before = false;  ///< a person reset the budget before it
};

void showValue(const failure& one, std::ostream& out) {
  out << (one.by_hand_before ? "a reset, then " : "") << "a failure after " << one.healthy_for.count() << " ns";
}

/// From the history alone: failures since it was last stable or reset, the one after a stable time included.
hale::restart_decision naive(const std::vector<failure>& history, const hale::restart_limits& limits) {
  std::uint32_t restarts = 0;
  for (std::size_t i = history.size(); i-- > 0;) {
    ++restarts;
    if (history[i].by_hand_before || history[i].healthy_for >= limits.reset_after) break;
  }
  const bool stable = history.back().healthy_for >= limits.reset_after;
  if (restarts > limits.attempts) {
    return {limits.cool == hale::duration::zero() ? kind::give_up : kind::cool, limits.attempts};
  }
  return {stable ? kind::now : kind::backoff, restarts};
}

hale::restart_limits any_limits() {
  return {*rc::gen::inRange<std::uint32_t>(0, 6), hale::duration(*rc::gen::element<std::int64_t>(1, 2, 60'000'000'000)),
          hale::duration(*rc::gen::element<std::int64_t>(0, 1, 300'000'000'000))};
}

std::vector<failure> any_history(const hale::restart_limits& limits) {
  const std::int64_t limit = limits.reset_after.count();
  const auto healthy = rc::gen::map(rc::gen::weightedElement<std::int64_t>(
                                        {{8, 0}, {4, limit - 1}, {1, limit}, {1, limit + 1}, {1, 100 * limit}}),
                                    [](std::int64_t count) { return hale::duration(count); });
  const auto by_hand = rc::gen::weightedElement<bool>({{12, false}, {1, true}});
  return *rc::gen::container<std::vector<failure>>(rc::gen::construct<failure>(healthy, by_hand));
}

struct repeated {
  cause what = cause::unknown;
  restart_class wanted = restart_class::restart;
  bool reset_before = false;
};

void showValue(const repeated& one, std::ostream& out) {
  out << (one.reset_before ? "a reset, then " : "") << hale::to_string(one.what) << ": " << hale::to_string(one.wanted);
}

/// Held are those of class hold, and those of class once that have had their restart since the last reset.
restart_class naive(const std::vector<repeated>& history) {
  const repeated& last = history.back();
  if (last.wanted == restart_class::hold) return restart_class::hold;
  if (last.wanted != restart_class::once || last.reset_before) return restart_class::restart;
  for (std::size_t i = history.size() - 1; i-- > 0;) {
    if (history[i].what == last.what && history[i].wanted == restart_class::once) return restart_class::hold;
    if (history[i].reset_before) break;
  }
  return restart_class::restart;
}

}  // namespace

RC_BOOST_PROP(the_budget_decides_as_its_history_says, ()) {
  const auto limits = any_limits();
  hale::restart_budget budget(limits);
  std::vector<failure> history;
  for (const failure& next : any_history(limits)) {
    history.push_back(next);
    if (next.by_hand_before) {
      budget.reset();
      RC_ASSERT(budget.attempt() == 0U);
      RC_ASSERT(!budget.exhausted());
    }
    const auto expected = naive(history, limits);
    const auto decided = budget.next(next.healthy_for);
    RC_ASSERT(decided == expected);
    RC_ASSERT(decided.what != kind::backoff || decided.attempt >= 1U);
    RC_ASSERT(budget.attempt() == expected.attempt);
    RC_ASSERT(budget.exhausted() == (expected.what == kind::cool || expected.what == kind::give_up));
  }
}

RC_BOOST_PROP(between_two_stable_times_no_more_than_the_attempts_are_made_without_cooling, ()) {
  const auto limits = any_limits();
  hale::restart_budget budget(limits);
  std::uint32_t quick = 0;
  for (const failure& next : any_history(limits)) {
    if (next.by_hand_before) budget.reset();
    if (next.by_hand_before || next.healthy_for >= limits.reset_after) quick = 0;
    const auto what = budget.next(next.healthy_for).what;
    if (what == kind::now || what == kind::backoff) ++quick;
    RC_ASSERT(quick <= limits.attempts);
  }
}

RC_BOOST_PROP(each_failure_of_class_once_has_one_restart_until_it_is_forgiven, ()) {
  const auto causes = rc::gen::element(cause::exec_failed, cause::gpu_oom, cause::config_error, cause::unknown);
  const auto classes = rc::gen::element(restart_class::once, restart_class::restart, restart_class::hold,
                                        restart_class::none);
  const auto resets = rc::gen::weightedElement<bool>({{8, false}, {1, true}});
  const auto steps =
      *rc::gen::container<std::vector<repeated>>(rc::gen::construct<repeated>(causes, classes, resets));
  hale::repeat_guard guard;
  std::vector<repeated> history;
  for (const repeated& next : steps) {
    history.push_back(next);
    if (next.reset_before) guard.reset();
    RC_ASSERT(guard.admit(next.what, next.wanted) == naive(history));
  }
}
