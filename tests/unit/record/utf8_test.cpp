#include "hale/record/utf8.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "record_support.hpp"

using namespace hale;

BOOST_AUTO_TEST_CASE(what_is_utf8_stays_as_it_is) {
  for (const std::string text : {"", "plain", "ä€😀", "\U0010ffff", "\x7f\u0080\u07ff\u0800\uffff\U00010000"}) {
    BOOST_TEST(test::as_utf8(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(each_longest_beginning_of_a_sequence_is_replaced_once) {
  const std::string bad = "\ufffd";
  BOOST_TEST(test::as_utf8("\xc0\xaf") == bad + bad);                    // overlong
  BOOST_TEST(test::as_utf8("\xe0\x80\xaf") == bad + bad + bad);          // overlong
  BOOST_TEST(test::as_utf8("\xed\xa0\x80") == bad + bad + bad);          // a surrogate
  BOOST_TEST(test::as_utf8("\xf4\x90\x80\x80") == bad + bad + bad + bad);  // beyond Unicode
  BOOST_TEST(test::as_utf8("\xf0\x9f\x98" "a") == bad + "a");            // cut short
  BOOST_TEST(test::as_utf8("\xe2\x82") == bad);
}

RC_BOOST_PROP(reading_ends_and_what_is_written_is_utf8, ()) {
  const std::string once = test::as_utf8(*test::any_bytes());
  RC_ASSERT(test::as_utf8(once) == once);
}
