#include "hale/wire/url.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using hale::parse_target;

BOOST_AUTO_TEST_CASE(a_target_is_split_into_segments_and_pairs) {
  const auto target = parse_target("/v1/instances/chat%2F0/log?follow=1&since=2026-11-21T20%3A00&flag&=x&&a+b=c+d");
  BOOST_REQUIRE(target.has_value());
  BOOST_TEST((target->path == std::vector<std::string>{"v1", "instances", "chat/0", "log"}));
  BOOST_REQUIRE(target->query.size() == 5u);
  BOOST_TEST(*target->find("follow") == "1");
  BOOST_TEST(*target->find("since") == "2026-11-21T20:00");
  BOOST_TEST(target->find("flag")->empty());
  BOOST_TEST(*target->find("") == "x");
  BOOST_TEST(*target->find("a b") == "c d");
  BOOST_TEST(target->find("absent") == nullptr);
}

BOOST_AUTO_TEST_CASE(the_root_has_no_segments_and_one_trailing_slash_is_let_pass) {
  BOOST_TEST(parse_target("/")->path.empty());
  BOOST_TEST(parse_target("/?a=1")->path.empty());
  BOOST_TEST((parse_target("/v1/")->path == std::vector<std::string>{"v1"}));
  BOOST_TEST((parse_target("/a+b")->path == std::vector<std::string>{"a+b"}));
}

BOOST_AUTO_TEST_CASE(what_could_mislead_is_malformed) {
  for (const char* bad : {"", "v1", "*", "http://host/", "/%", "/%4", "/%zz", "/%00", "/a%00b", "/a b", "/a\tb", "/a#b",
                          "/\xc3\xa9", "//", "/a//b", "/.", "/../etc", "/a/%2e%2E/b", "/?a=%", "/?%g0=1", "/?a=\x7f"}) {
    const auto target = parse_target(bad);
    BOOST_REQUIRE_MESSAGE(!target.has_value(), bad);
    BOOST_TEST((target.error() == hale::errc::malformed), bad);
  }
}

BOOST_AUTO_TEST_CASE(sizes_are_bounded) {
  BOOST_TEST((parse_target("/" + std::string(8192, 'a')).error() == hale::errc::too_large));
  BOOST_TEST(parse_target("/" + std::string(8191, 'a')).has_value());
  std::string deep;
  for (int i = 0; i < 16; ++i) deep += "/a";
  BOOST_TEST(parse_target(deep).has_value());
  BOOST_TEST((parse_target(deep + "/a").error() == hale::errc::too_large));
  std::string wide = "/?";
  for (int i = 0; i < 32; ++i) wide += "a=1&";
  BOOST_TEST(parse_target(wide).has_value());
  BOOST_TEST((parse_target(wide + "a=1").error() == hale::errc::too_large));
}

RC_BOOST_PROP(what_is_encoded_is_decoded_again, ()) {
  const auto text = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::distinctFrom('\0')));
  RC_PRE(text != "." && text != "..");
  const auto target = parse_target("/" + hale::percent_encode(text) + "?" + hale::percent_encode(text) + "=" +
                                   hale::percent_encode(text));
  RC_ASSERT(target.has_value());
  RC_ASSERT(target->path == std::vector<std::string>{text});
  RC_ASSERT(*target->find(text) == text);
}

RC_BOOST_PROP(any_bytes_are_parsed_or_refused, (const std::string& bytes)) {
  const auto target = parse_target("/" + bytes);
  const std::error_code failed = target.error_or_none();
  RC_ASSERT((!failed || failed == hale::errc::malformed || failed == hale::errc::too_large));
}
