// How a machine's clocks run against the simulation's time.
#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

struct only_time {
  seed_driver driver{1};
  choices chance{driver};
  trace record;
  scheduler time{chance, record};
};

clock_options drifting(std::int64_t ppm) {
  clock_options options;
  options.drift_ppm = ppm;
  return options;
}

instant some_instant() {
  constexpr duration ten_years = hours(24 * 3650);
  return instant(duration(*rc::gen::inRange<std::int64_t>(0, ten_years.count())));
}

}  // namespace

RC_BOOST_PROP(a_timer_never_fires_before_the_machines_own_clock_shows_its_moment, ()) {
  only_time is;
  const machine_clock clock(is.time, drifting(*rc::gen::inRange<std::int64_t>(-10'000, 10'001)));
  const instant due = some_instant();
  RC_ASSERT(clock.local(clock.simulated(due)) >= due);
}

RC_BOOST_PROP(what_the_clock_shows_now_is_never_still_to_come, ()) {
  only_time is;
  const machine_clock clock(is.time, drifting(*rc::gen::inRange<std::int64_t>(-10'000, 10'001)));
  const instant now = some_instant();
  RC_ASSERT(clock.simulated(clock.local(now)) <= now);
}

RC_BOOST_PROP(a_drift_of_one_per_cent_is_one_per_cent, ()) {
  only_time is;
  const bool fast = *rc::gen::arbitrary<bool>();
  const machine_clock clock(is.time, drifting(fast ? 10'000 : -10'000));
  const instant from = some_instant();
  const duration shown = clock.local(from + hours(1)) - clock.local(from);
  const duration expected = fast ? duration(hours(1)) + seconds(36) : duration(hours(1)) - seconds(36);
  RC_ASSERT(shown - expected <= duration(1));
  RC_ASSERT(expected - shown <= duration(1));
}

BOOST_AUTO_TEST_CASE(the_ends_of_time_are_no_overflow) {
  only_time is;
  const machine_clock clock(is.time, drifting(10'000));
  BOOST_TEST((clock.local(instant::max()) == instant::max()));
  BOOST_TEST((clock.simulated(instant::max()) <= instant::max()));
  BOOST_TEST((clock.simulated(instant::min()) == instant()));
}

BOOST_AUTO_TEST_CASE(a_step_of_the_wall_clock_moves_no_timer) {
  sim::test::bed is;
  const instant begun = is.here.clock().now();
  const wall_time shown = is.here.clock().wall();
  is.here.clock().step_wall(-hours(2));
  BOOST_TEST((is.here.clock().wall() == shown - hours(2)));
  BOOST_TEST((is.here.clock().now() == begun));
  const auto nap = [](const hale::clock& on) -> task<std::error_code> { co_return co_await on.sleep_for(seconds(1)); };
  BOOST_TEST(!is.run(nap(is.here.clock())));
  BOOST_TEST((is.here.clock().now() == begun + seconds(1)));
}

BOOST_AUTO_TEST_CASE(every_machine_keeps_its_own_time) {
  machine_options slow;
  slow.clock.drift_ppm = -10'000;
  sim::test::bed is(slow);
  const instant before = is.here.clock().now();
  const instant there = is.there.clock().now();
  is.run_for(hours(1));
  BOOST_TEST((is.there.clock().now() - there == hours(1)));
  BOOST_TEST((is.here.clock().now() - before == hours(1) - seconds(36)));
}
