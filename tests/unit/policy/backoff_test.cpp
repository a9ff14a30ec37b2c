#include "hale/policy/backoff.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(the_delay_doubles_up_to_its_cap) {
  const hale::backoff_policy policy;
  const hale::duration expected[] = {500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s};
  for (std::uint32_t n = 1; n <= 8; ++n) BOOST_CHECK(hale::backoff_delay(policy, n) == expected[n - 1]);
}

BOOST_AUTO_TEST_CASE(no_attempt_and_no_cap_is_too_large) {
  const auto most = std::numeric_limits<std::uint32_t>::max();
  BOOST_CHECK(hale::backoff_delay({}, most) == 30s);
  const hale::backoff_policy endless{1ns, hale::duration::max(), 1000};
  BOOST_CHECK(hale::backoff_delay(endless, 63) == hale::duration(std::int64_t{1} << 62));
  BOOST_CHECK(hale::backoff_delay(endless, 64) == hale::duration::max());
  BOOST_CHECK(hale::backoff_delay(endless, most) == hale::duration::max());
  const std::uint64_t choices = hale::jitter_choices(endless, most);
  BOOST_CHECK(hale::jittered_delay(endless, most, choices - 1) >= 0s);
  BOOST_CHECK(hale::jittered_delay(endless, most, choices - 2) == hale::duration::max());
}

BOOST_AUTO_TEST_CASE(a_base_above_the_cap_is_the_cap_and_nothing_stays_nothing) {
  BOOST_CHECK(hale::backoff_delay({10s, 5s, 0}, 1) == 5s);
  BOOST_CHECK(hale::backoff_delay({0s, 5s, 250}, 1'000'000'000) == 0s);
  BOOST_CHECK(hale::backoff_delay({1s, -5s, 250}, 3) == 0s);
  BOOST_CHECK_EQUAL(hale::jitter_choices({0s, 5s, 250}, 3), 1U);
}

BOOST_AUTO_TEST_CASE(the_jitter_spreads_evenly_to_both_sides) {
  const hale::backoff_policy policy{8us, 1s, 250};  // two steps of a microsecond
  BOOST_REQUIRE_EQUAL(hale::jitter_choices(policy, 1), 5U);
  const hale::duration expected[] = {8us, 9us, 7us, 10us, 6us};
  for (std::uint64_t draw = 0; draw < 5; ++draw) BOOST_CHECK(hale::jittered_delay(policy, 1, draw) == expected[draw]);
}
