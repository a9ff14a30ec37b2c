#include "hale/record/event_json.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <rapidcheck/boost_test.h>

#include "record_support.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

// 2026-11-21T20:25:00.123Z
constexpr wall_time moment = wall_time(1'795'292'700'123ms);

event full_event() {
  event made;
  made.sequence = 42;
  made.at = moment;
  made.service = "llama";
  made.instance = "llama-1";
  made.incarnation = incarnation_number(3);
  made.kind = event_kind::action;
  made.from = "serving";
  made.to = "stopping";
  made.action = "restart";
  made.cause = cause::hung;
  made.reason = "no answer for 46s";
  made.success = true;
  made.details = "line 1\nline \"2\"\x01";
  return made;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_event_has_exactly_the_promised_keys_in_order) {
  BOOST_TEST(event_json(full_event(), "models") ==
             R"({"seq":42,"at":"2026-11-21T20:25:00.123Z","cluster":"models","service":"llama","instance":"llama-1",)"
             R"("incarnation":3,"kind":"action","from":"serving","to":"stopping","action":"restart","cause":"hung",)"
             R"("reason":"no answer for 46s","success":true,"details":"line 1\nline \"2\"\u0001"})");
}

BOOST_AUTO_TEST_CASE(what_is_absent_is_null) {
  event made;
  made.sequence = 1;
  made.at = moment;
  BOOST_TEST(event_json(made, "") ==
             R"({"seq":1,"at":"2026-11-21T20:25:00.123Z","cluster":null,"service":null,"instance":null,)"
             R"("incarnation":null,"kind":"supervisor","from":null,"to":null,"action":null,"cause":null,)"
             R"("reason":null,"success":null,"details":null})");
}

BOOST_AUTO_TEST_CASE(every_kind_has_its_own_spelling) {
  const std::vector<std::string_view> spellings = {
      "state", "health", "spawn", "exit", "probe_error", "signature", "oom", "action", "alert", "alert_resolved",
      "foreign", "correlated_failure", "rollout", "reload", "supervisor"};
  for (std::size_t index = 0; index < spellings.size(); ++index) {
    BOOST_TEST(to_string(static_cast<event_kind>(index)) == spellings[index]);
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_replaced) {
  event made;
  made.sequence = 1;
  made.reason = "a\xff\xc3(\xed\xa0\x80\xe2\x82";
  const auto read = nlohmann::json::parse(event_json(made, "c"));
  BOOST_TEST(read["reason"].get<std::string>() ==
             "a\ufffd\ufffd(\ufffd\ufffd\ufffd\ufffd");
}

RC_BOOST_PROP(an_event_that_is_told_and_read_back_is_the_same, ()) {
  const event made = test::any_event();
  const std::string cluster = *test::any_bytes();
  const std::string line = event_json(made, cluster);
  RC_ASSERT(line.find('\n') == std::string::npos);
  const auto read = parse_event(line);
  RC_ASSERT(read.has_value());
  event expected = made;
  for (std::string* text : {&expected.service, &expected.instance, &expected.from, &expected.to, &expected.action,
                            &expected.reason, &expected.details}) {
    *text = test::as_utf8(*text);
  }
  RC_ASSERT(read->cluster == test::as_utf8(cluster));
  RC_ASSERT(test::same(read->what, expected));
}

RC_BOOST_PROP(any_text_is_an_event_or_an_error, ()) {
  const std::string text = *test::any_bytes();
  RC_ASSERT((!parse_event(text).has_value() || text.starts_with('{')));
}

BOOST_AUTO_TEST_CASE(what_is_no_event_is_malformed) {
  const std::string good = event_json(full_event(), "c");
  BOOST_TEST(parse_event(good).has_value());
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"\"seq\":42", "\"seq\":-1"},       {"\"seq\":42", "\"seq\":null"},    {"\"seq\":42", "\"seq\":\"42\""},
      {"\"seq\":42", "\"seq\":1.5"},      {"\"kind\":\"action\"", "\"kind\":\"dance\""},
      {"\"cause\":\"hung\"", "\"cause\":\"x\""}, {"2026-11", "2026-99"},     {"\"success\":true", "\"success\":1"},
      {"\"incarnation\":3", "\"incarnation\":1e30"}, {"{\"seq\"", "[\"seq\""}};
  for (const auto& [from, to] : changes) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    BOOST_TEST(!parse_event(bad).has_value(), bad);
  }
  for (const std::string bad : {"", "null", "[]", "{}", "{\"seq\":1}", "\xff"}) BOOST_TEST(!parse_event(bad).has_value());
}

BOOST_AUTO_TEST_CASE(fields_of_a_newer_writer_are_ignored) {
  std::string line = event_json(full_event(), "c");
  line.insert(1, R"("future":{"deep":[1]},)");
  BOOST_TEST(parse_event(line).has_value());
}

BOOST_AUTO_TEST_CASE(a_gap_is_told_and_read_back_and_is_no_event) {
  BOOST_TEST(gap_json(7) == R"({"gap":7})");
  BOOST_TEST(parse_gap(gap_json(7)).value() == 7u);
  BOOST_TEST(!parse_event(gap_json(7)).has_value());
  BOOST_TEST(!parse_gap(event_json(full_event(), "c")).has_value());
}
