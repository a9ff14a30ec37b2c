#include "hale/config/signal_name.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>

BOOST_AUTO_TEST_CASE(signals_are_known_by_name_with_and_without_their_prefix) {
  const std::pair<std::string_view, int> cases[] = {{"TERM", SIGTERM}, {"SIGTERM", SIGTERM}, {"HUP", SIGHUP},
                                                    {"INT", SIGINT},   {"QUIT", SIGQUIT},    {"ABRT", SIGABRT},
                                                    {"KILL", SIGKILL}, {"USR1", SIGUSR1},    {"USR2", SIGUSR2},
                                                    {"CHLD", SIGCHLD}, {"SYS", SIGSYS},      {"WINCH", SIGWINCH}};
  for (const auto& [name, number] : cases) BOOST_TEST(hale::signal_from_name(name).value_or(0) == number);
  for (const std::string_view name : {"", "SIG", "term", "TERMINATE", "SIGSIGTERM", "15"}) {
    BOOST_TEST(!hale::signal_from_name(name).has_value());
  }
  BOOST_TEST(hale::nearest_signal_name("term") == "TERM");
  BOOST_TEST(hale::nearest_signal_name("SIGTRM") == "TERM");
  BOOST_TEST(hale::nearest_signal_name("please") == "");
}
