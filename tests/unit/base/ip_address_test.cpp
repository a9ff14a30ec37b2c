#include "hale/base/ip_address.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(numeric_addresses_are_recognised) {
  for (const std::string_view text :
       {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1", "1::8",
        "1:2:3:4:5:6:7::", "64:ff9b::192.0.2.33"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(hale::is_ip_address(text)); }
  }
}

BOOST_AUTO_TEST_CASE(everything_else_is_not_an_address) {
  for (const std::string_view text :
       {"",        "localhost", "127.0.0", "127.0.0.1.", "127.0.0.1.2",       "256.0.0.1",         "01.0.0.1",
        "1..2.3",  "a.b.c.d",   ":",       ":::",        "1:2:3:4:5:6:7",     "1:2:3:4:5:6:7:8:9", "1::2::3",
        "12345::", "g::",       "[::1]",   "::1%lo",     "1:2:3:4:5:6:7:8::", "10.0.0.1::",        "::1.2.3"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!hale::is_ip_address(text)); }
  }
}
