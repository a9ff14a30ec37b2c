#include "status_table.hpp"

#include <boost/test/unit_test.hpp>

#include "hale/record/utf8.hpp"

using namespace hale;
using namespace hale::cli;
using namespace std::chrono_literals;

namespace {

std::size_t columns(std::string_view line) {
  std::size_t count = 0;
  for (; !line.empty(); ++count) take_code_point(line);
  return count;
}

instance_status serving(std::string name) {
  instance_status one;
  one.name = std::move(name);
  one.port = 65535;
  one.pid = 4194304;
  one.state = instance_state::serving;
  one.health = health_status::healthy;
  one.uptime = 3min + 12s;
  return one;
}

cluster_status one_of_each() {
  cluster_status status;
  status.cluster = "models";
  status.pid = 4194304;
  status.uptime = 26h;
  service_status service;
  service.name = "llama";
  service.target = 3;
  service.serving = 1;
  service.instances.push_back(serving("a-name-that-is-far-too-long-to-fit-into-its-column-of-the-table"));
  instance_status sick;
  sick.name = "llama-2";
  sick.state = instance_state::cooling;
  sick.cause = cause::oom_killed;
  sick.reason = std::string(300, 'x') + "\x1b[2J";
  sick.restarts = 12345;
  service.instances.push_back(sick);
  instance_status recovered = serving("llama-3");
  recovered.last_cause = cause::hung;
  recovered.last_reason = "no answer\x1b[31m\nfor 3 s";
  service.instances.push_back(recovered);
  status.services.push_back(service);
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(no_line_is_wider_than_80_columns) {
  std::string_view rest = "";
  const std::string text = status_table(one_of_each(), palette(false));
  rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    BOOST_REQUIRE(end != std::string_view::npos);
    BOOST_TEST(columns(rest.substr(0, end)) <= table_width);
    rest.remove_prefix(end + 1);
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_stands_below_the_instance_and_what_was_wrong_is_last) {
  const std::string text = status_table(one_of_each(), palette(false));
  BOOST_TEST(text.find("    oom_killed: xxx") != std::string::npos);
  BOOST_TEST(text.find("    last: hung: no answer") != std::string::npos);
  BOOST_TEST(text.find("1 of 3 serving") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_a_reason_holds_reaches_the_terminal_as_a_command) {
  BOOST_TEST(status_table(one_of_each(), palette(false)).find('\x1b') == std::string::npos);
  BOOST_TEST(left("\x1b[31m", 80).find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(ages_fit_their_column) {
  BOOST_TEST(short_duration(0s) == "0s");
  BOOST_TEST(short_duration(999ms) == "0s");
  BOOST_TEST(short_duration(3min + 12s + 345ms) == "3m12s");
  BOOST_TEST(short_duration(26h + 59min) == "1d2h");
  BOOST_TEST(short_duration(10h + 59min + 59s) == "10h59m");
}

BOOST_AUTO_TEST_CASE(cells_are_cut_and_filled_to_their_width) {
  BOOST_TEST(left("abc", 5) == "abc  ");
  BOOST_TEST(right("abc", 5) == "  abc");
  BOOST_TEST(left("abcdef", 4) == "abc…");
}

BOOST_AUTO_TEST_SUITE_END()
