#include "hale/sim/core/choice.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

using namespace hale;
using namespace hale::sim;

namespace {

std::vector<std::uint64_t> draw(choice_driver& driver, std::size_t count, std::uint64_t bound, std::string_view label) {
  choices from(driver);
  std::vector<std::uint64_t> values;
  for (std::size_t n = 0; n < count; ++n) values.push_back(from.below(bound, label));
  return values;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_draw_in_one_stream_shifts_no_other) {
  seed_driver plain(7);
  const auto alone = draw(plain, 5, 1000, "a");
  seed_driver driver(7);
  choices from(driver);
  std::vector<std::uint64_t> mingled;
  for (int n = 0; n < 5; ++n) {
    from.below(1000, "b");
    mingled.push_back(from.below(1000, "a"));
  }
  BOOST_TEST(alone == mingled);
}

BOOST_AUTO_TEST_CASE(seeded_draws_reach_every_value_and_only_those_below_the_bound) {
  seed_driver driver(3);
  const auto values = draw(driver, 2000, 10, "x");
  const std::set<std::uint64_t> seen(values.begin(), values.end());
  BOOST_TEST(seen.size() == 10u);
  BOOST_TEST(*seen.rbegin() == 9u);
}

BOOST_AUTO_TEST_CASE(a_chance_comes_about_as_often_as_it_says_and_zero_is_never) {
  seed_driver driver(3);
  choices from(driver);
  int hits = 0;
  for (int n = 0; n < 10'000; ++n) hits += from.chance(ratio{1, 5}, "fifth") ? 1 : 0;
  BOOST_TEST(hits > 1800);
  BOOST_TEST(hits < 2200);
  bytes_driver zeros({});
  choices benign(zeros);
  BOOST_TEST(!benign.chance(ratio{4, 5}, "fifth"));
}

BOOST_AUTO_TEST_CASE(what_was_recorded_replays_and_past_its_end_all_is_benign) {
  seed_driver driver(11);
  tape recorded;
  std::vector<std::uint64_t> first;
  {
    choices from(driver, &recorded);
    for (int n = 0; n < 50; ++n) {
      first.push_back(from.below(100, "a"));
      first.push_back(from.below(3, "b b"));
    }
  }
  tape_driver replay(recorded);
  choices from(replay);
  std::vector<std::uint64_t> second;
  for (int n = 0; n < 50; ++n) {
    second.push_back(from.below(100, "a"));
    second.push_back(from.below(3, "b b"));
  }
  BOOST_TEST(first == second);
  BOOST_TEST(from.below(100, "a") == 0u);
  BOOST_TEST(from.below(100, "c") == 0u);
}

BOOST_AUTO_TEST_CASE(every_combination_is_run_exactly_once) {
  exhaustive_driver every({"x", "y"});
  std::set<std::string> seen;
  std::size_t runs = 0;
  do {
    choices from(every);
    std::string run;
    run += std::to_string(from.below(3, "x"));
    if (run == "1") run += std::to_string(from.below(4, "y"));
    run += std::to_string(from.below(100, "not asked for"));
    seen.insert(run);
    ++runs;
  } while (every.next());
  BOOST_TEST(runs == 6u);
  BOOST_TEST(seen.size() == 6u);
  BOOST_TEST(!every.cut());
}

BOOST_AUTO_TEST_CASE(bytes_and_words_drive_draws_below_their_bounds_and_end_in_zeros) {
  const std::uint8_t bytes[] = {255, 1, 2, 3};
  bytes_driver driver(bytes);
  const auto values = draw(driver, 4, 200, "x");
  BOOST_TEST(values == std::vector<std::uint64_t>({55, 1, 2, 3}));
  words_driver words({801033819, 5});
  const auto from_words = draw(words, 3, 10, "x");
  BOOST_TEST(from_words == std::vector<std::uint64_t>({9, 5, 0}));
}
