#include "sim_options.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace hale;
using namespace hale::cli;
using namespace std::chrono_literals;
using sim::fault_kind;

namespace {

template <class T>
bool refuses(const result<T, std::string>& parsed, std::string_view saying) {
  return !parsed && parsed.error().find(saying) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sim_options_)

BOOST_AUTO_TEST_CASE(values_are_read) {
  BOOST_TEST(*parse_seed("18446744073709551615") == 18446744073709551615u);
  BOOST_TEST(*parse_seed_count("200") == 200u);
  BOOST_TEST((*parse_length("30d") == 720h));
  BOOST_TEST(*parse_quiet_after("90%") == 90u);
  BOOST_TEST(*parse_quiet_after("5") == 5u);
  BOOST_TEST((*parse_faults("hang,oom,hang") == std::vector{fault_kind::oom, fault_kind::hang}));
  BOOST_TEST(parse_faults("none")->empty());
}

BOOST_AUTO_TEST_CASE(nonsense_is_refused_with_the_name_of_the_option) {
  for (const char* seed : {"x", "-1", "1.5", "18446744073709551616", " 1"}) {
    BOOST_TEST(refuses(parse_seed(seed), "--seed takes a whole number"));
  }
  BOOST_TEST(refuses(parse_seed_count("0"), "--seeds"));
  BOOST_TEST(refuses(parse_length("0s"), "nothing happens in no time"));
  BOOST_TEST(refuses(parse_length("5"), "'5' is no duration"));
  BOOST_TEST(refuses(parse_length("40000d"), "a hundred years"));
  for (const char* percent : {"0%", "100%", "90%%", "-5", "ninety"}) {
    BOOST_TEST(refuses(parse_quiet_after(percent), "1% to 99%"));
  }
}

BOOST_AUTO_TEST_CASE(a_fault_that_does_not_exist_is_told_the_nearest_name) {
  BOOST_TEST(refuses(parse_faults("oom,hagn"), "no fault 'hagn'; did you mean `hang`?"));
  BOOST_TEST(refuses(parse_faults("meteorite"), "`hale sim --faults help` lists them"));
  BOOST_TEST(refuses(parse_faults("oom,"), "no fault ''"));
  BOOST_TEST(refuses(parse_faults("oom,none"), "stands alone"));
  for (const auto& known : sim::fault_catalogue()) {
    BOOST_TEST(parse_faults(known.name).has_value());
    BOOST_TEST(fault_table().find(known.what) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(options_that_contradict_a_tape_are_found) {
  sim_options typed;
  sim_options made = *parse_sim_options("--seed 7 --duration 1h --quiet-after 90%");
  BOOST_TEST(contradiction(typed, made) == "");
  typed.length = 1h;
  BOOST_TEST(contradiction(typed, made) == "");
  typed.length = 2h;
  BOOST_TEST(contradiction(typed, made).find("made with 1h") != std::string::npos);
  typed.length.reset();
  typed.faults.emplace();
  BOOST_TEST(contradiction(typed, made).find("made with the default") != std::string::npos);
  BOOST_TEST(refuses(parse_sim_options("--colour red"), "'--colour'"));
  BOOST_TEST(refuses(parse_sim_options("--duration"), "--duration"));
}

RC_BOOST_PROP(options_come_back_from_their_text_as_they_were, ()) {
  sim_options made;
  made.seed = *rc::gen::arbitrary<std::uint64_t>();
  made.length = std::chrono::microseconds(*rc::gen::inRange<std::int64_t>(1, 3'000'000'000'000'000));
  made.quiet_after_percent = *rc::gen::inRange<std::uint32_t>(1, 100);
  if (*rc::gen::arbitrary<bool>()) {
    made.faults.emplace();
    for (const auto& known : sim::fault_catalogue()) {
      if (*rc::gen::arbitrary<bool>()) made.faults->push_back(known.kind);
    }
  }
  const auto back = parse_sim_options(to_text(made));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->seed == made.seed);
  RC_ASSERT(back->length == made.length);
  RC_ASSERT(back->quiet_after_percent == made.quiet_after_percent);
  RC_ASSERT(back->faults == made.faults);
}

BOOST_AUTO_TEST_CASE(words_for_a_shell_are_quoted_where_they_must_be) {
  BOOST_TEST(shell_word("a/b-c.toml") == "a/b-c.toml");
  BOOST_TEST(shell_word("my file") == "'my file'");
  BOOST_TEST(shell_word("it's") == "'it'\\''s'");
  BOOST_TEST(shell_word("") == "''");
}

BOOST_AUTO_TEST_SUITE_END()
