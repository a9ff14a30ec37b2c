#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>

#include "hale/policy/backoff.hpp"

namespace {

__extension__ using wide = __int128;

hale::backoff_policy any_policy() {
  const auto base = *rc::gen::inRange<std::int64_t>(0, 10'000'000'000);
  const auto cap = *rc::gen::weightedOneOf<std::int64_t>({{4, rc::gen::inRange<std::int64_t>(0, 100'000'000'000)},
                                                        {1, rc::gen::just(hale::duration::max().count())}});
  return {hale::duration(base), hale::duration(cap), *rc::gen::inRange<std::uint32_t>(0, 1001)};
}

/// In wide arithmetic, straight from the formula.
hale::duration formula(const hale::backoff_policy& policy, std::uint32_t attempt) {
  const wide factor = static_cast<wide>(1) << (attempt - 1);
  const wide wanted = policy.base.count() * factor;
  const wide cap = policy.cap.count();
  return hale::duration(static_cast<std::int64_t>(wanted < cap ? wanted : cap));
}

}  // namespace

RC_BOOST_PROP(the_delay_is_that_of_the_formula_and_never_falls, ()) {
  const auto policy = any_policy();
  const auto attempt = *rc::gen::inRange<std::uint32_t>(1, 60);
  RC_ASSERT(hale::backoff_delay(policy, attempt) == formula(policy, attempt));
  RC_ASSERT(hale::backoff_delay(policy, attempt + 1) >= hale::backoff_delay(policy, attempt));
  RC_ASSERT(hale::backoff_delay(policy, attempt) <= policy.cap);
}

RC_BOOST_PROP(every_draw_stays_within_the_jitter_and_the_first_changes_nothing, ()) {
  const auto policy = any_policy();
  const auto attempt = *rc::gen::inRange<std::uint32_t>(1, 60);
  const auto choices = hale::jitter_choices(policy, attempt);
  const auto draw = *rc::gen::weightedOneOf<std::uint64_t>(
      {{3, rc::gen::inRange<std::uint64_t>(0, choices)}, {1, rc::gen::just(choices - 1)}});
  const wide delay = hale::backoff_delay(policy, attempt).count();
  const wide jittered = hale::jittered_delay(policy, attempt, draw).count();
  const wide aside = jittered < delay ? delay - jittered : jittered - delay;
  RC_ASSERT(aside * 1000 <= delay * policy.jitter_permille);
  RC_ASSERT(jittered >= 0);
  RC_ASSERT(hale::jittered_delay(policy, attempt, 0).count() == delay);
}

RC_BOOST_PROP(different_draws_are_different_delays, ()) {
  const auto policy = any_policy();
  const auto attempt = *rc::gen::inRange<std::uint32_t>(1, 20);
  const auto choices = hale::jitter_choices(policy, attempt);
  const auto one = *rc::gen::inRange<std::uint64_t>(0, choices);
  const auto other = *rc::gen::inRange<std::uint64_t>(0, choices);
  RC_PRE(one != other && policy.cap != hale::duration::max());
  RC_ASSERT(hale::jittered_delay(policy, attempt, one) != hale::jittered_delay(policy, attempt, other));
}
