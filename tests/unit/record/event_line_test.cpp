#include "hale/record/event_line.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "record_support.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

event made(event_kind kind) {
  event what;
  what.at = wall_time(1'795'292'700'123ms);
  what.instance = "llama-1";
  what.service = "llama";
  what.kind = kind;
  return what;
}

const std::string head = "2026-11-21T20:25:00.123Z llama-1 ";

}  // namespace

BOOST_AUTO_TEST_CASE(a_change_of_state_says_from_what_to_what_and_why) {
  event what = made(event_kind::state);
  what.from = "serving";
  what.to = "stopping";
  what.cause = cause::hung;
  what.reason = "no answer for 46s";
  BOOST_TEST(event_line(what) == head + "serving -> stopping [hung]: no answer for 46s");
  BOOST_TEST(event_line(what, line_colour::ansi) == event_line(what));
  what.to = "held";
  BOOST_TEST(event_line(what, line_colour::ansi) ==
             head + "\x1b[31mserving -> held [hung]\x1b[0m: no answer for 46s");
}

BOOST_AUTO_TEST_CASE(each_kind_reads_well) {
  event action = made(event_kind::action);
  action.action = "restart";
  action.success = false;
  action.reason = "it did not start";
  BOOST_TEST(event_line(action) == head + "restart failed: it did not start");
  event spawn = made(event_kind::spawn);
  spawn.incarnation = incarnation_number(3);
  BOOST_TEST(event_line(spawn) == head + "spawned (incarnation 3)");
  event alert = made(event_kind::alert);
  alert.instance.clear();
  alert.details = "only details";
  BOOST_TEST(event_line(alert) == "2026-11-21T20:25:00.123Z llama alert: only details");
  event whole = made(event_kind::supervisor);
  whole.instance.clear();
  whole.service.clear();
  whole.reason = "hale is stopping";
  BOOST_TEST(event_line(whole) == "2026-11-21T20:25:00.123Z supervisor: hale is stopping");
}

BOOST_AUTO_TEST_CASE(output_of_children_is_escaped_and_cut) {
  event what = made(event_kind::signature);
  what.reason = "a\nb\x1b[2J\r\t\xff\u009b\u202e";
  BOOST_TEST(event_line(what) == head + "signature: a\\nb\\x1b[2J\\r\\t\ufffd\\x9b\\u202e");
  what.reason.assign(100'000, 'x');
  BOOST_TEST(event_line(what).size() < 700u);
  BOOST_TEST(event_line(what).ends_with("x…"));
}

RC_BOOST_PROP(no_event_breaks_the_line_or_reaches_the_terminal, ()) {
  const std::string line = event_line(test::any_event());
  for (const char c : line) RC_ASSERT((static_cast<unsigned char>(c) >= 0x20 && c != '\x7f'));
  RC_ASSERT(test::as_utf8(line) == line);
  RC_ASSERT(line.size() < 4096u);
}
