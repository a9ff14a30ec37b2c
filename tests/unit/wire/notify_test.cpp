#include "hale/wire/notify.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using hale::parse_notification;

BOOST_AUTO_TEST_CASE(an_ordinary_datagram_says_what_it_says) {
  const auto said = parse_notification("READY=1\nSTATUS=loading model 3/7\nWATCHDOG=1\nMAINPID=17\n");
  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(said->ready);
  BOOST_TEST(said->watchdog);
  BOOST_TEST(!said->stopping);
  BOOST_TEST(!said->reloading);
  BOOST_TEST(said->status.value() == "loading model 3/7");
  BOOST_TEST(said->unknown_fields == 1u);
  BOOST_TEST(said->malformed_lines == 0u);
}

BOOST_AUTO_TEST_CASE(every_known_field_is_read) {
  const auto said = parse_notification(
      "RELOADING=1\nSTOPPING=1\nWATCHDOG=trigger\nWATCHDOG_USEC=20000000\nEXTEND_TIMEOUT_USEC=5\nERRNO=12\nREADY=0");
  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(said->reloading);
  BOOST_TEST(said->stopping);
  BOOST_TEST(!said->ready);
  BOOST_TEST(!said->watchdog);
  BOOST_TEST(said->watchdog_trigger);
  BOOST_TEST(said->watchdog_usec.value() == 20'000'000u);
  BOOST_TEST(said->extend_timeout_usec.value() == 5u);
  BOOST_TEST(said->error_number.value() == 12);
  BOOST_TEST(said->malformed_lines == 0u);
}

BOOST_AUTO_TEST_CASE(of_a_field_said_twice_the_last_counts_and_a_bad_one_changes_nothing) {
  const auto said = parse_notification("STATUS=a\nSTATUS=b=c\nWATCHDOG_USEC=7\nWATCHDOG_USEC=x");
  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(said->status.value() == "b=c");
  BOOST_TEST(said->watchdog_usec.value() == 7u);
  BOOST_TEST(said->malformed_lines == 1u);
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_malformed_lines_and_never_wrap) {
  const auto said = parse_notification(
      "WATCHDOG_USEC=18446744073709551616\nEXTEND_TIMEOUT_USEC=-1\nERRNO=2147483648\nERRNO=-5\nERRNO=\nERRNO= 1\nERRNO=1 ");
  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(!said->watchdog_usec.has_value());
  BOOST_TEST(!said->extend_timeout_usec.has_value());
  BOOST_TEST(!said->error_number.has_value());
  BOOST_TEST(said->malformed_lines == 7u);
  const auto largest = parse_notification("WATCHDOG_USEC=18446744073709551615");
  BOOST_REQUIRE(largest.has_value());
  BOOST_TEST(largest->watchdog_usec.value() == 18446744073709551615u);
}

BOOST_AUTO_TEST_CASE(lines_without_a_key_are_counted_and_the_rest_is_read) {
  const auto said = parse_notification("nonsense\n=1\nread y=1\nREADY=yes\n\n\nSTOPPING=1");
  BOOST_REQUIRE(said.has_value());
  BOOST_TEST(said->malformed_lines == 4u);
  BOOST_TEST(said->stopping);
  BOOST_TEST(!said->ready);
}

BOOST_AUTO_TEST_CASE(control_characters_and_oversize_refuse_the_whole_datagram) {
  BOOST_TEST((parse_notification(std::string_view("READY=1\0", 8)).error() == hale::errc::malformed));
  BOOST_TEST((parse_notification("STATUS=\x1b[31m").error() == hale::errc::malformed));
  BOOST_TEST((parse_notification("READY=1\r\n").error() == hale::errc::malformed));
  BOOST_TEST((parse_notification(std::string(4097, 'A')).error() == hale::errc::too_large));
  BOOST_TEST(parse_notification("STATUS=" + std::string(4089, 'A')).has_value());
  BOOST_TEST(parse_notification("").has_value());
}

RC_BOOST_PROP(any_bytes_are_either_refused_or_counted, (const std::string& bytes)) {
  const auto said = parse_notification(bytes);
  if (said) RC_ASSERT(said->unknown_fields + said->malformed_lines <= bytes.size());
}
