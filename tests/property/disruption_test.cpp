// The disruption budget and the time guard against the words of behaviour, section 6, in plain arithmetic.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <vector>

#include "hale/policy/disruption.hpp"
#include "hale/policy/time_guard.hpp"

namespace {

__extension__ using wide = __int128;

/// One, or a quarter, whichever is more: the largest number that is one or whose fourfold is not above all.
std::uint32_t one_or_a_quarter(std::uint32_t instances) {
  std::uint32_t limit = 1;
  while (wide(4) * (limit + 1) <= instances) ++limit;
  return limit;
}

}  // namespace

RC_BOOST_PROP(verdicts_never_take_down_more_than_the_limit, ()) {
  const auto instances = *rc::gen::inRange<std::uint32_t>(0, 41);
  const auto configured = *rc::gen::inRange<std::uint32_t>(0, 5);
  const std::uint32_t expected = configured > 0 ? configured : one_or_a_quarter(instances);
  const std::uint32_t limit = hale::disruption_limit(configured, instances);
  RC_ASSERT(limit == expected);
  std::uint32_t down = 0;
  std::uint32_t most = 0;
  for (const bool falls : *rc::gen::container<std::vector<bool>>(rc::gen::arbitrary<bool>())) {
    if (!falls && down > 0) --down;
    const bool may = hale::may_disrupt(down, limit);
    RC_ASSERT(may == (down + 1 <= expected));
    if (falls && may) ++down;
    most = std::max(most, down);
  }
  RC_ASSERT(most <= expected);
}

RC_BOOST_PROP(only_all_of_three_or_more_are_suspected_to_fail_together, ()) {
  const auto total = *rc::gen::inRange<std::uint32_t>(0, 8);
  const auto failing = *rc::gen::inRange<std::uint32_t>(0, total + 1);
  const std::uint32_t well = total - failing;
  RC_ASSERT(hale::correlated(total, failing) == (well == 0 && total != 0 && total != 1 && total != 2));
}

RC_BOOST_PROP(a_timer_more_than_two_seconds_late_is_a_stall, ()) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t allowed = 2'000'000'000;
  const auto due = *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000),
                                   rc::gen::inRange<std::int64_t>(most - 2 * allowed, most));
  const auto late = *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(allowed - 2, allowed + 3),
                                    rc::gen::inRange<std::int64_t>(-10, 10 * allowed));
  const wide exact = wide(due) + late;
  const auto woke = static_cast<std::int64_t>(exact < most ? exact : most);
  const bool stalled = wide(woke) - due > allowed;
  RC_ASSERT(hale::stalled(hale::instant(hale::duration(due)), hale::instant(hale::duration(woke))) == stalled);
}
