#include "hale/base/text.hpp"

#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>

#include "hale/base/error.hpp"

using namespace std::chrono_literals;

namespace {

void check_duration(std::string_view text, hale::duration expected) {
  const auto parsed = hale::parse_duration(text);
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST_REQUIRE(parsed.has_value());
    BOOST_TEST(parsed->count() == expected.count());
  }
}

void check_size(std::string_view text, std::uint64_t expected) {
  const auto parsed = hale::parse_size(text);
  BOOST_TEST_CONTEXT(text) {
    BOOST_TEST_REQUIRE(parsed.has_value());
    BOOST_TEST(*parsed == expected);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(durations_are_read_as_people_write_them) {
  check_duration("500ms", 500ms);
  check_duration("2s", 2s);
  check_duration("1m30s", 90s);
  check_duration("20m", 20min);
  check_duration("1h", 1h);
  check_duration("30d", 720h);
  check_duration("250us", 250us);
  check_duration("250\u00b5s", 250us);
  check_duration("7ns", 7ns);
  check_duration("1.5s", 1500ms);
  check_duration("0.25d", 6h);
  check_duration("0s", 0s);
  check_duration("1.50000000000s", 1500ms);
  check_duration("1d2h3m4s5ms6us7ns", 26h + 3min + 4s + 5ms + 6us + 7ns);
  check_duration("9223372036854775807ns", hale::duration::max());
}

BOOST_AUTO_TEST_CASE(what_is_no_duration_is_malformed) {
  for (const std::string_view text :
       {"", "5", "s", "-1s", "+1s", " 1s", "1s ", "1 s", "1x", "1S", "1.s", ".5s", "1..5s", "1e3s", "30s1m", "1s1s",
        "1s5", "1.5ns", "0.0001us", "9223372036854775808ns", "106752d", "99999999999999999999s", "0x1s",
        "1us1\u00b5s", "1min"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST((hale::parse_duration(text).error_or_none() == hale::errc::malformed)); }
  }
}

BOOST_AUTO_TEST_CASE(durations_are_shown_short) {
  const std::pair<hale::duration, std::string_view> cases[] = {
      {0s, "0s"},
      {46s, "46s"},
      {90s, "1m30s"},
      {90500ms, "1m30.5s"},
      {1500us, "1.5ms"},
      {1500ms, "1.5s"},
      {7ns, "7ns"},
      {1234567ns, "1.234ms"},
      {59999999999ns, "59.999s"},
      {20min, "20m"},
      {1h + 1min + 1s, "1h1m"},
      {1h + 30s, "1h30s"},
      {1h + 500ms, "1h"},
      {720h, "30d"},
      {25h + 1s, "1d1h"},
      {-90s, "-1m30s"},
      {hale::duration::min(), "-106751d23h"},
  };
  for (const auto& [value, text] : cases) BOOST_TEST(hale::format_duration(value) == text);
}

RC_BOOST_PROP(a_duration_that_is_shown_is_read_back_nearly, ()) {
  const auto scale = *rc::gen::element<std::int64_t>(1, 1'000, 1'000'000, 1'000'000'000, 60'000'000'000);
  const hale::duration value(*rc::gen::inRange<std::int64_t>(0, 100'000) * scale);
  const auto back = hale::parse_duration(hale::format_duration(value));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back <= value);
  // Two units at least, or three decimals: an hour in 24, a thousandth.
  RC_ASSERT(value - *back <= value / 20);
}

RC_BOOST_PROP(no_text_makes_the_parsers_crash, (const std::string& text)) {
  const auto as_duration = hale::parse_duration(text);
  RC_ASSERT((!as_duration || *as_duration >= hale::duration::zero()));
  const auto as_time = hale::parse_rfc3339(text);
  RC_ASSERT((!as_time || text.size() >= 20));
  const auto as_size = hale::parse_size(text);
  RC_ASSERT((!as_size || text.ends_with('B')));
}

BOOST_AUTO_TEST_CASE(sizes_are_read_with_binary_and_decimal_units) {
  check_size("0B", 0);
  check_size("100B", 100);
  check_size("512KiB", 512 * 1024);
  check_size("10MiB", 10 * 1024 * 1024);
  check_size("8GiB", 8ull << 30);
  check_size("2TiB", 2ull << 40);
  check_size("1KB", 1'000);
  check_size("1MB", 1'000'000);
  check_size("1GB", 1'000'000'000);
  check_size("3TB", 3'000'000'000'000);
  check_size("1.5GiB", 3ull << 29);
  check_size("0.000001TB", 1'000'000);
}

BOOST_AUTO_TEST_CASE(what_is_no_size_is_malformed) {
  for (const std::string_view text : {"", "100", "GiB", "1gib", "1 GiB", "-1B", "1.5B", "1.B", "1GiB1MiB", "1G",
                                      "1.1234567GiB", "18446744073709551616B", "16777216TiB", "1.GiB"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST((hale::parse_size(text).error_or_none() == hale::errc::malformed)); }
  }
}

BOOST_AUTO_TEST_CASE(sizes_are_shown_in_the_largest_binary_unit) {
  BOOST_TEST(hale::format_size(0) == "0B");
  BOOST_TEST(hale::format_size(1023) == "1023B");
  BOOST_TEST(hale::format_size(1536) == "1.5KiB");
  BOOST_TEST(hale::format_size(10ull << 20) == "10MiB");
  BOOST_TEST(hale::format_size(1'000'000'000) == "953.67MiB");
  BOOST_TEST(hale::format_size(~0ull) == "16777215.99TiB");
}

BOOST_AUTO_TEST_CASE(times_are_shown_in_utc_with_milliseconds) {
  BOOST_TEST(hale::to_rfc3339(hale::wall_time()) == "1970-01-01T00:00:00.000Z");
  BOOST_TEST(hale::to_rfc3339(hale::wall_time(1795292700123ms + 999us)) == "2026-11-21T20:25:00.123Z");
  BOOST_TEST(hale::to_rfc3339(hale::wall_time(-1ns)) == "1969-12-31T23:59:59.999Z");
  BOOST_TEST(hale::to_rfc3339(hale::wall_time::max()) == "2262-04-11T23:47:16.854Z");
}

BOOST_AUTO_TEST_CASE(times_are_read_with_any_offset) {
  const hale::wall_time expected(1795292700123ms);
  for (const std::string_view text : {"2026-11-21T20:25:00.123Z", "2026-11-21t20:25:00.123z",
                                      "2026-11-21 20:25:00.123Z", "2026-11-21T22:25:00.123+02:00",
                                      "2026-11-21T15:55:00.1230000000001-04:30"}) {
    const auto parsed = hale::parse_rfc3339(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST_REQUIRE(parsed.has_value());
      BOOST_TEST((*parsed == expected));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_time_is_malformed) {
  for (const std::string_view text :
       {"", "2026-11-21", "2026-11-21T20:25:00", "2026-11-21T20:25Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-11-21T24:00:00Z", "2026-11-21T20:60:00Z", "2026-11-21T20:25:00.Z", "2026-11-21T20:25:00Z ",
        "2026-11-21T20:25:00+2:00", "9999-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "x026-11-21T20:25:00Z"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST((hale::parse_rfc3339(text).error_or_none() == hale::errc::malformed)); }
  }
}

RC_BOOST_PROP(a_time_that_is_shown_is_read_back_to_the_millisecond, ()) {
  const std::chrono::milliseconds since(*rc::gen::inRange<std::int64_t>(-9'000'000'000'000, 9'000'000'000'000));
  const hale::wall_time at(since);
  const auto back = hale::parse_rfc3339(hale::to_rfc3339(at));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == at);
}

BOOST_AUTO_TEST_CASE(the_nearest_name_is_found_for_slips_only) {
  const std::vector<std::string_view> keys = {"command", "health", "heartbeat", "restart", "ports", "after"};
  BOOST_TEST(hale::nearest_name("comand", keys) == "command");
  BOOST_TEST(hale::nearest_name("COMMAND", keys) == "command");
  BOOST_TEST(hale::nearest_name("helath", keys) == "health");
  BOOST_TEST(hale::nearest_name("hart_beat", keys) == "heartbeat");
  BOOST_TEST(hale::nearest_name("port", keys) == "ports");
  BOOST_TEST(hale::nearest_name("restart", keys) == "restart");
  BOOST_TEST(hale::nearest_name("wibble", keys) == "");
  BOOST_TEST(hale::nearest_name("x", keys) == "");
  BOOST_TEST(hale::nearest_name("", keys) == "");
  BOOST_TEST(hale::nearest_name(std::string(1000, 'x'), keys) == "");
}
