#include "hale/control/control_command.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace hale;
using namespace std::chrono_literals;

namespace {

result<control_command, control_error> read(std::string method, std::string target, std::string body = {}) {
  http_request request(std::move(method), std::move(target));
  request.body = std::move(body);
  return read_command(request);
}

struct refusal_case {
  std::string method;
  std::string target;
  std::string body;
  int status;
  std::string said;  ///< part of the message
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_route_is_understood) {
  const std::vector<std::tuple<std::string, std::string, control_action>> routes = {
      {"GET", "/v1/status", control_action::status},
      {"HEAD", "/v1/status", control_action::status},
      {"GET", "/v1/events", control_action::events},
      {"GET", "/v1/instances/x/log", control_action::log},
      {"POST", "/v1/instances/x/start", control_action::start},
      {"POST", "/v1/instances/x/stop", control_action::stop},
      {"POST", "/v1/instances/x/restart", control_action::restart},
      {"POST", "/v1/instances/x/heartbeat", control_action::heartbeat},
      {"POST", "/v1/services/x/start", control_action::start},
      {"POST", "/v1/services/x/stop", control_action::stop},
      {"POST", "/v1/services/x/restart", control_action::restart},
      {"POST", "/v1/services/x/rollout", control_action::rollout},
      {"POST", "/v1/ports/80/heartbeat", control_action::heartbeat_port},
      {"POST", "/v1/reload", control_action::reload},
      {"POST", "/v1/stop", control_action::stop_cluster},
  };
  for (const auto& [method, target, action] : routes) {
    const auto command = read(method, target);
    BOOST_TEST_CONTEXT(method << " " << target) {
      BOOST_REQUIRE(command.has_value());
      BOOST_TEST((command->action == action));
      BOOST_TEST(command->of_service == (target.find("services") != std::string::npos));
      BOOST_TEST(command->wait);
      BOOST_TEST(!command->follow);
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_are_read) {
  BOOST_TEST(read("POST", "/v1/instances/a%20b%2Fc/start?wait=0")->name == "a b/c");
  BOOST_TEST(!read("POST", "/v1/instances/x/start?wait=0")->wait);
  BOOST_TEST(read("POST", "/v1/services/x/stop?wait=1")->wait);
  BOOST_TEST(read("GET", "/v1/instances/x/log")->lines == 100u);
  BOOST_TEST(read("GET", "/v1/instances/x/log?n=7&follow=1")->lines == 7u);
  BOOST_TEST(read("GET", "/v1/instances/x/log?n=7&follow=1")->follow);
  BOOST_TEST(read("POST", "/v1/ports/65535/heartbeat")->port == 65535);
  BOOST_TEST((read("GET", "/v1/events?follow=1")->since == event_origin()));
  BOOST_TEST((read("GET", "/v1/events?since=12")->since == event_origin(std::uint64_t{12})));
  BOOST_TEST((read("GET", "/v1/events?since=10m")->since == event_origin(duration(10min))));
  BOOST_TEST((read("GET", "/v1/events?since=1970-01-01T00:00:01Z")->since == event_origin(wall_time(1s))));
  const auto report = read("POST", "/v1/instances/x/requests", R"({"duration_ms": 12.5, "ok": false})");
  BOOST_TEST((report->took == 12'500us));
  BOOST_TEST(!report->ok);
  BOOST_TEST((read("POST", "/v1/instances/x/requests", R"({"ok": true, "duration_ms": 0})")->took == 0ns));
}

BOOST_AUTO_TEST_CASE(every_mistake_is_refused_with_its_status_and_a_line_that_helps) {
  const std::string report = "/v1/instances/x/requests";
  const std::vector<refusal_case> cases = {
      {"GET", "/", "", 404, "/v1/status"},
      {"GET", "/v1", "", 404, "/v1/status"},
      {"GET", "/v2/status", "", 404, "nothing is at /v2/status"},
      {"GET", "/v1/status/more", "", 404, "nothing"},
      {"POST", "/v1/instances/x/dance", "", 404, "nothing"},
      {"GET", "/v1/\x1b[2J", "", 400, "target"},
      {"GET", "/v1/%1b%5b2J", "", 404, "\\x1b[2J"},
      {"GET", "v1/status", "", 400, "target"},
      {"GET", "/v1/../status", "", 400, "target"},
      {"GET", "/v1/instances//log", "", 400, "target"},
      {"POST", "/v1/status", "", 405, "GET, HEAD"},
      {"DELETE", "/v1/instances/x/log", "", 405, "GET, HEAD"},
      {"GET", "/v1/stop", "", 405, "POST"},
      {"GET", "/v1/instances/x/start", "", 405, "POST"},
      {"GET", "/v1/status?pretty=1", "", 400, "unknown parameter \"pretty\""},
      {"GET", "/v1/events?sinec=1", "", 400, "since follow"},
      {"GET", "/v1/events?since=", "", 400, "since must be"},
      {"GET", "/v1/events?since=-1", "", 400, "since must be"},
      {"GET", "/v1/events?since=yesterday", "", 400, "since must be"},
      {"GET", "/v1/events?since=18446744073709551616", "", 400, "since must be"},
      {"GET", "/v1/events?follow", "", 400, "0 or 1"},
      {"GET", "/v1/events?follow=yes", "", 400, "0 or 1"},
      {"GET", "/v1/instances/x/log?n=-1", "", 400, "n must be"},
      {"GET", "/v1/instances/x/log?n=1e3", "", 400, "n must be"},
      {"GET", "/v1/instances/x/log?n=99999999999999999999", "", 400, "n must be"},
      {"GET", "/v1/instances/x/log?n=1000000", "", 400, "n must be"},
      {"POST", "/v1/instances/x/start?wait=2", "", 400, "0 or 1"},
      {"POST", "/v1/instances/x/heartbeat?wait=1", "", 400, "unknown parameter"},
      {"POST", "/v1/ports/0/heartbeat", "", 400, "1 to 65535"},
      {"POST", "/v1/ports/65536/heartbeat", "", 400, "1 to 65535"},
      {"POST", "/v1/ports/http/heartbeat", "", 400, "1 to 65535"},
      {"POST", "/v1/ports/-1/heartbeat", "", 400, "1 to 65535"},
      {"POST", report, "", 400, "JSON object"},
      {"POST", report, "{", 400, "JSON object"},
      {"POST", report, "[1,true]", 400, "JSON object"},
      {"POST", report, "\xff\xfe", 400, "JSON object"},
      {"POST", report, std::string(10'000, '['), 400, "JSON object"},
      {"POST", report, R"({"duration_ms":NaN,"ok":true})", 400, "JSON object"},
      {"POST", report, R"({"duration_ms":1e999,"ok":true})", 400, ""},
      {"POST", report, R"({"duration_ms":-1,"ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"duration_ms":-0.001,"ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"duration_ms":86400001,"ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"duration_ms":1e300,"ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"duration_ms":"12","ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"duration_ms":null,"ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"ok":true})", 400, "duration_ms"},
      {"POST", report, R"({"duration_ms":1,"ok":1})", 400, "ok must"},
      {"POST", report, R"({"duration_ms":1})", 400, "ok must"},
      {"POST", report, R"({"duration_ms":1,"ok":true,"extra":1})", 400, "unknown field \"extra\""},
  };
  for (const refusal_case& each : cases) {
    BOOST_TEST_CONTEXT(each.method << " " << each.target << " " << each.body.substr(0, 80)) {
      const auto command = read(each.method, each.target, each.body);
      BOOST_REQUIRE(!command.has_value());
      BOOST_TEST(command.error().status == each.status);
      BOOST_TEST(command.error().message.find(each.said) != std::string::npos, command.error().message);
      BOOST_TEST(command.error().message.find('\n') == std::string::npos);
      BOOST_TEST(command.error().allow.empty() == (each.status != 405));
    }
  }
}

RC_BOOST_PROP(any_request_is_a_command_or_a_refusal, (std::string method, std::string target, std::string body)) {
  const auto command = read(method, *rc::gen::element<std::string>("", "/", "/v1/", "/v1/instances/") + target, body);
  RC_ASSERT((command.has_value() || command.error().status >= 400));
  const auto report = read("POST", "/v1/instances/x/requests", body);
  RC_ASSERT((report.has_value() || report.error().status == 400));
}
