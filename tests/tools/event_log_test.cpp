#include "event_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

using namespace hale;
using namespace hale::cli;

namespace {

std::string drain(int descriptor) {
  std::string text;
  char bytes[4096];
  for (ssize_t got = read(descriptor, bytes, sizeof bytes); got > 0; got = read(descriptor, bytes, sizeof bytes)) {
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_lines)

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_keep_up_holds_nobody_up_and_is_told_what_it_missed) {
  int ends[2];
  BOOST_REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  BOOST_REQUIRE(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  event_log log(ends[1]);
  event what;
  what.instance = "llama-1";
  what.kind = event_kind::alert;
  what.reason = std::string(200, 'x');
  for (int at = 0; at < 2000; ++at) log.on_event(what);  // far more than a pipe holds
  const std::string kept = drain(ends[0]);
  BOOST_TEST(kept.find("llama-1") != std::string::npos);
  BOOST_TEST(kept.find("missing") == std::string::npos);
  log.on_event(what);
  BOOST_TEST(drain(ends[0]).find("lines are missing here") != std::string::npos);
  close(ends[0]);
  close(ends[1]);
}

BOOST_AUTO_TEST_SUITE_END()
