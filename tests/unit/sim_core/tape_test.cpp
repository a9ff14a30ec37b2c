#include "hale/sim/core/tape.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>
#include <string>

using namespace hale;
using namespace hale::sim;

namespace {

tape sample() {
  tape made;
  made.options = "--duration 1h";
  for (int n = 0; n < 300; ++n) made.append(made.stream("fault.oom"), n % 7 == 0 ? 1u : 0u);
  made.append(made.stream("probe phase"), 1234567890123456789u);
  made.append(made.stream("never"), 0);
  return made;
}

std::string message_of(const std::string& text) {
  const auto parsed = tape::parse(text);
  return parsed ? std::string("fine") : std::to_string(parsed.error().line) + ": " + parsed.error().message;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_tape_survives_being_written_and_read) {
  tape made = sample();
  const auto back = tape::parse(made.to_text());
  BOOST_REQUIRE(back.has_value());
  made.normalise();
  BOOST_TEST(back->options == made.options);
  BOOST_TEST((back->streams() == made.streams()));
  BOOST_TEST(back->to_text() == made.to_text());
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_the_happy_path) {
  const auto empty = tape::parse("");
  BOOST_REQUIRE(empty.has_value());
  BOOST_TEST(empty->streams().empty());
  BOOST_TEST(empty->weight() == 0u);
}

BOOST_AUTO_TEST_CASE(a_tape_that_was_cut_off_is_refused_with_its_line) {
  std::string text = sample().to_text();
  text.erase(text.rfind("end "));
  const std::size_t lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  BOOST_TEST(message_of(text) == std::to_string(lines) + ": the tape is cut off: its last line must begin with \"end\"");
}

BOOST_AUTO_TEST_CASE(a_line_changed_by_hand_is_refused_with_its_number) {
  std::string text = sample().to_text();
  const std::size_t at = text.find("1234567890");
  text[at] = '7';
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  BOOST_TEST(message_of(text) == std::to_string(line) + ": the line was changed: its check does not fit");
}

BOOST_AUTO_TEST_CASE(a_line_taken_out_is_noticed_at_the_end) {
  std::string text = sample().to_text();
  const std::size_t from = text.find("probe phase");
  text.erase(from, text.find('\n', from) + 1 - from);
  BOOST_TEST(message_of(text).find("taken out") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(another_version_and_other_files_are_told_apart) {
  BOOST_TEST(message_of("hale-tape 2\nend 0 ~0\n") ==
             "1: \"hale-tape 2\" is of another version; this hale reads \"hale-tape 1\"");
  BOOST_TEST(message_of("[cluster]\n") == "1: not a tape: it does not begin with \"hale-tape 1\"");
}

RC_BOOST_PROP(no_text_breaks_the_reader, (const std::string& text)) {
  const auto alone = tape::parse(text);
  const auto headed = tape::parse("hale-tape 1\n" + text);
  RC_ASSERT(alone.has_value() == text.empty());
  RC_ASSERT(!headed.has_value());
}
