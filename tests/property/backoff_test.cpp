// The backoff against its formula, min(base * 2^(n-1), cap), worked out by doubling in wide arithmetic.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>

#include "hale/policy/backoff.hpp"

namespace {

__extension__ using wide = __int128;

constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max();

/// Short ones and ordinary ones, and those where doubling leaves 64 bits.
rc::Gen<std::int64_t> any_length() {
  using rc::gen::inRange;
  return rc::gen::weightedOneOf<std::int64_t>({{2, inRange<std::int64_t>(0, 5)},
                                               {6, inRange<std::int64_t>(0, 100'000'000'000)},
                                               {1, inRange<std::int64_t>(longest / 2 - 2, longest / 2 + 3)},
                                               {1, inRange<std::int64_t>(longest - 3, longest)},
                                               {1, rc::gen::just(longest)}});
}

hale::backoff_policy any_policy() {
  const auto base = *any_length();
  const auto cap = *any_length();
  const auto jitter = *rc::gen::weightedOneOf<std::uint32_t>(
      {{4, rc::gen::inRange<std::uint32_t>(0, 1001)}, {1, rc::gen::element<std::uint32_t>(0, 250, 1000)}});
  return {hale::duration(base), hale::duration(cap), jitter};
}

std::uint32_t any_attempt() {
  return *rc::gen::weightedOneOf<std::uint32_t>({{6, rc::gen::inRange<std::uint32_t>(1, 70)},
                                                 {1, rc::gen::just(std::numeric_limits<std::uint32_t>::max())},
                                                 {1, rc::gen::arbitrary<std::uint32_t>()}}) |
         1U;
}

std::int64_t doubled(const hale::backoff_policy& policy, std::uint32_t attempt) {
  const wide cap = policy.cap.count();
  wide delay = policy.base.count();
  for (std::uint32_t n = 2; n <= attempt && n <= 70 && delay < cap; ++n) delay *= 2;
  return static_cast<std::int64_t>(delay < cap ? delay : cap);
}

wide aside_of(const hale::backoff_policy& policy, std::uint32_t attempt, std::uint64_t draw) {
  const wide moved = hale::jittered_delay(policy, attempt, draw).count();
  return moved - hale::backoff_delay(policy, attempt).count();
}

std::uint64_t any_draw(std::uint64_t choices) {
  return *rc::gen::weightedOneOf<std::uint64_t>({{3, rc::gen::inRange<std::uint64_t>(0, choices)},
                                                 {1, rc::gen::just(choices - 1)},
                                                 {1, rc::gen::just(choices / 2)}});
}

}  // namespace

RC_BOOST_PROP(the_delay_is_that_of_the_formula_and_never_falls, ()) {
  const auto policy = any_policy();
  const auto attempt = any_attempt();
  RC_ASSERT(hale::backoff_delay(policy, attempt).count() == doubled(policy, attempt));
  if (attempt > 1) RC_ASSERT(hale::backoff_delay(policy, attempt) >= hale::backoff_delay(policy, attempt - 1));
}

RC_BOOST_PROP(every_draw_stays_within_the_jitter_and_the_first_changes_nothing, ()) {
  const auto policy = any_policy();
  const auto attempt = any_attempt();
  const auto choices = hale::jitter_choices(policy, attempt);
  RC_ASSERT(choices % 2 == 1U);
  const wide delay = doubled(policy, attempt);
  const wide aside = aside_of(policy, attempt, any_draw(choices));
  RC_ASSERT((aside < 0 ? -aside : aside) * 1000 <= delay * policy.jitter_permille);
  RC_ASSERT(delay + aside >= 0);
  RC_ASSERT(aside_of(policy, attempt, 0) == 0);
}

RC_BOOST_PROP(the_last_draws_reach_the_ends_of_the_jitter_but_for_a_step, ()) {
  const auto policy = any_policy();
  const auto attempt = any_attempt();
  const auto choices = hale::jitter_choices(policy, attempt);
  const wide delay = doubled(policy, attempt);
  const wide furthest = delay * policy.jitter_permille / 1000;
  constexpr wide step = 1000;
  RC_ASSERT(aside_of(policy, attempt, choices - 1) <= -(furthest - step) || furthest < step);
  RC_PRE(choices > 1U && delay + furthest <= longest);
  RC_ASSERT(aside_of(policy, attempt, choices - 2) > furthest - step);
}

RC_BOOST_PROP(a_later_draw_leads_further_away_on_its_side, ()) {
  const auto policy = any_policy();
  const auto attempt = any_attempt();
  const auto choices = hale::jitter_choices(policy, attempt);
  const auto draw = any_draw(choices);
  const wide here = aside_of(policy, attempt, draw);
  RC_ASSERT(draw == 0U || (draw % 2 == 1 ? here >= 0 : here < 0));
  RC_PRE(draw + 2 < choices);
  const wide next = aside_of(policy, attempt, draw + 2);
  const bool saturated = doubled(policy, attempt) + here >= longest;
  if (draw % 2 == 0) RC_ASSERT(next < here);
  if (draw % 2 == 1) RC_ASSERT((saturated ? next == here : next > here));
}
