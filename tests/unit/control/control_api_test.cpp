#include "hale/control/control_api.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "control_support.hpp"
#include "hale/record/event_json.hpp"
#include "hale/record/status_json.hpp"

using namespace hale;
using namespace std::chrono_literals;
using test::control_fixture;
using test::running_request;

namespace {

std::vector<std::string> lines_of(const std::string& body) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = body.find('\n', at);
    lines.push_back(body.substr(at, end - at));
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return lines;
}

// The numbers of the events in a body; a gap is its count below zero.
std::vector<std::int64_t> sequences(const std::string& body) {
  std::vector<std::int64_t> found;
  for (const std::string& line : lines_of(body)) {
    if (const auto missed = parse_gap(line)) {
      found.push_back(-static_cast<std::int64_t>(*missed));
    } else {
      found.push_back(static_cast<std::int64_t>(parse_event(line)->what.sequence));
    }
  }
  return found;
}

std::string error_of(const http_response& response) {
  return nlohmann::json::parse(response.body).at("error").get<std::string>();
}

using numbers = std::vector<std::int64_t>;

}  // namespace

BOOST_FIXTURE_TEST_CASE(status_is_the_clusters_and_holds_no_secret, control_fixture) {
  const http_response response = ask("GET", "/v1/status");
  BOOST_TEST(response.status == 200);
  BOOST_TEST(*response.headers.find("Content-Type") == "application/json");
  BOOST_TEST(response.body == status_json(target.status()) + "\n");
  BOOST_TEST(response.body.find("hunter2") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(commands_reach_the_supervisor, control_fixture) {
  for (const std::string path : {"/v1/instances/llama-1/start", "/v1/instances/a%20b%2Fc/stop", "/v1/instances/db/restart",
                                 "/v1/services/llama/start", "/v1/services/db/stop", "/v1/services/llama/restart"}) {
    const http_response response = ask("POST", path);
    BOOST_TEST(response.status == 200, path);
    BOOST_TEST(response.body == "{\"ok\":true}\n");
    BOOST_TEST(answers == 1);
  }
  const std::vector<std::string> expected = {"start llama-1 wait", "stop a b/c", "restart db wait",
                                             "start llama wait",   "stop db",    "restart llama wait"};
  BOOST_TEST(target.asked == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(heartbeats_and_reports_reach_the_supervisor, control_fixture) {
  BOOST_TEST(ask("POST", "/v1/instances/llama-1/heartbeat").status == 200);
  BOOST_TEST(ask("POST", "/v1/ports/11534/heartbeat").status == 200);
  BOOST_TEST(ask("POST", "/v1/instances/db/requests", R"({"duration_ms":2,"ok":true})").status == 200);
  BOOST_TEST(target.asked[0] == "heartbeat llama-1");
  BOOST_TEST(target.asked[1] == "request db 2000000 ok");
  const http_response unknown = ask("POST", "/v1/ports/1/heartbeat");
  BOOST_TEST(unknown.status == 404);
  BOOST_TEST(error_of(unknown).find("no instance has port 1;") == 0u);
}

BOOST_FIXTURE_TEST_CASE(the_cluster_is_asked_to_stop, control_fixture) {
  BOOST_TEST(ask("POST", "/v1/stop").status == 202);
  BOOST_TEST(target.asked.at(0).starts_with("shut down: "));
}

BOOST_FIXTURE_TEST_CASE(what_is_not_built_yet_says_so, control_fixture) {
  BOOST_TEST(ask("POST", "/v1/reload").status == 501);
  const http_response rollout = ask("POST", "/v1/services/llama/rollout");
  BOOST_TEST(rollout.status == 501);
  BOOST_TEST(error_of(rollout).find("rolling restarts are not supported yet") == 0u);
}

BOOST_FIXTURE_TEST_CASE(an_unknown_name_is_answered_with_the_nearest, control_fixture) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/v1/instances/lama-1/start", "no instance is called \"lama-1\"; did you mean \"llama-1\"?"},
      {"/v1/instances/lama-1/heartbeat", "no instance is called \"lama-1\"; did you mean \"llama-1\"?"},
      {"/v1/services/lama/stop", "no service is called \"lama\"; did you mean \"llama\"?"},
      {"/v1/instances/zzzzzzzzzzzz/stop", "no instance is called \"zzzzzzzzzzzz\"; /v1/status lists those there are"},
      {"/v1/instances/llama/restart", "\"llama\" is the name of a service, not of an instance; use /v1/services/"},
      {"/v1/services/llama-2/restart", "\"llama-2\" is the name of an instance, not of a service; use /v1/instances/"},
      {"/v1/instances/%1b%5b2J%ff/stop", "no instance is called \"\\x1b[2J\ufffd\"; /v1/status lists those there are"},
  };
  for (const auto& [path, message] : cases) {
    const http_response response = ask("POST", path);
    BOOST_TEST(response.status == 404, path);
    BOOST_TEST(error_of(response) == message);
  }
  BOOST_TEST(ask("GET", "/v1/instances/lama-1/log").status == 404);
  BOOST_TEST(ask("POST", "/v1/instances/lama-1/requests", R"({"duration_ms":2,"ok":true})").status == 404);
}

BOOST_FIXTURE_TEST_CASE(what_became_of_a_command_is_told, control_fixture) {
  using outcome = command_result::outcome;
  const std::vector<std::pair<outcome, int>> cases = {
      {outcome::done, 200}, {outcome::unknown_name, 404}, {outcome::refused, 409}, {outcome::failed, 409}};
  for (const auto& [status, code] : cases) {
    target.answer.status = status;
    target.answer.message = status == outcome::done ? "" : "it is a stranger's; stop that first";
    for (const std::string query : {"", "?wait=0"}) {
      const http_response response = ask("POST", "/v1/instances/llama-1/restart" + query);
      BOOST_TEST(response.status == code);
      if (code != 200) BOOST_TEST(error_of(response) == target.answer.message);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(strangers_are_refused_before_anything_is_read, control_fixture) {
  peer.user = 1001;
  for (const std::string path : {"/v1/status", "/v1/stop", "/nonsense"}) {
    const http_response response = ask("POST", path);
    BOOST_TEST(response.status == 403);
    BOOST_TEST(error_of(response).find("user 1001 may not") == 0u);
  }
  BOOST_TEST(target.asked.empty());
}

BOOST_FIXTURE_TEST_CASE(a_wrong_method_is_answered_with_the_right_ones, control_fixture) {
  const http_response response = ask("DELETE", "/v1/status");
  BOOST_TEST(response.status == 405);
  BOOST_TEST(*response.headers.find("Allow") == "GET, HEAD");
}

BOOST_FIXTURE_TEST_CASE(a_long_command_holds_up_nothing_and_answers_when_it_is_done, control_fixture) {
  target.commands_take_long = true;
  running_request start(*this, "POST", "/v1/instances/llama-1/start");
  BOOST_TEST(!start.done());
  BOOST_TEST(target.asked.size() == 1u);
  {
    running_request status(*this, "GET", "/v1/status");
    BOOST_TEST(status.done());
  }
  executor.run_for(1h);
  BOOST_TEST(!start.done());
  target.finish();
  executor.run_ready();
  BOOST_TEST(start.done());
  BOOST_TEST(start.reply.response.status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_client_that_goes_away_stops_waiting, control_fixture) {
  target.commands_take_long = true;
  running_request stop(*this, "POST", "/v1/instances/llama-1/stop");
  stop.reply.gone = true;
  executor.run_for(2s);
  BOOST_TEST(stop.done());
  BOOST_TEST(stop.reply.response.status == 202);
  BOOST_TEST(target.cancelled == 1);
}

BOOST_FIXTURE_TEST_CASE(without_wait_a_command_is_accepted_at_once, control_fixture) {
  target.commands_take_long = true;
  for (const std::string what : {"start", "stop", "restart"}) {
    running_request request(*this, "POST", "/v1/instances/llama-1/" + what + "?wait=0");
    BOOST_TEST(request.done());
    const int expected = what == "stop" ? 202 : 200;
    BOOST_TEST(request.reply.response.status == expected);
  }
  const std::vector<std::string> asked = {"start llama-1", "stop llama-1", "restart llama-1"};
  BOOST_TEST(target.asked == asked, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(the_commands_that_wait_are_bounded, control_fixture) {
  target.commands_take_long = true;
  std::vector<std::unique_ptr<running_request>> waiting;
  for (std::size_t i = 0; i < control_api::max_waiting_commands; ++i) {
    waiting.push_back(std::make_unique<running_request>(*this, "POST", "/v1/instances/llama-1/start"));
    BOOST_TEST(!waiting.back()->done());
  }
  BOOST_TEST(ask("GET", "/v1/status").status == 200);
  BOOST_TEST(ask("POST", "/v1/instances/llama-1/stop").status == 503);
  target.finish();
  executor.run_ready();
  target.commands_take_long = false;
  BOOST_TEST(ask("POST", "/v1/instances/llama-1/stop").status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_cancelled_request_ends_promptly, control_fixture) {
  target.commands_take_long = true;
  running_request start(*this, "POST", "/v1/instances/llama-1/start");
  running_request follow(*this, "GET", "/v1/events?follow=1");
  running_request log(*this, "GET", "/v1/instances/llama-1/log?follow=1");
  for (running_request* each : {&start, &follow, &log}) {
    each->source.cancel();
    executor.run_ready();
    BOOST_TEST(each->done());
  }
  BOOST_TEST(api.following().count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(events_are_given_from_where_they_are_asked_for, control_fixture) {
  tell(1, 9);
  const http_response all = ask("GET", "/v1/events");
  BOOST_TEST(all.status == 200);
  BOOST_TEST(*all.headers.find("Content-Type") == "application/x-ndjson");
  BOOST_TEST(lines_of(all.body)[3] == event_json(happened(4), "models"));
  // Now is 20:25:00, event 1 was at 20:14:20.
  const std::vector<std::pair<std::string, numbers>> cases = {
      {"", {1, 2, 3, 4, 5, 6, 7, 8, 9}}, {"?since=0", {1, 2, 3, 4, 5, 6, 7, 8, 9}}, {"?since=7", {8, 9}},
      {"?since=9", {}}, {"?since=18446744073709551615", {}}, {"?since=4m", {8, 9}},
      {"?since=106751d", {1, 2, 3, 4, 5, 6, 7, 8, 9}}, {"?since=2026-11-21T20:21:00Z", {8, 9}}};
  for (const auto& [query, expected] : cases) {
    const http_response response = ask("GET", "/v1/events" + query);
    BOOST_TEST_CONTEXT(query << " " << response.body)
    BOOST_TEST(sequences(response.body) == expected, boost::test_tools::per_element());
  }
}

BOOST_FIXTURE_TEST_CASE(a_long_history_is_given_in_pieces, control_fixture) {
  tell(1, 1000);
  test::fake_responder reply;
  executor.run(api.handle(http_request("GET", "/v1/events"), reply, peer));
  BOOST_TEST(sequences(reply.response.body).size() == 1000u);
  BOOST_TEST(reply.pieces > 3);
}

BOOST_FIXTURE_TEST_CASE(what_is_forgotten_since_is_told_as_a_gap, control_fixture) {
  tell(1, 5000);
  const numbers got = sequences(ask("GET", "/v1/events?since=10").body);
  BOOST_TEST(got.size() == 4097u);
  BOOST_TEST(got[0] == -894);
  BOOST_TEST(got[1] == 905);
}

BOOST_FIXTURE_TEST_CASE(a_follower_sees_events_as_they_happen, control_fixture) {
  tell(1, 2);
  running_request follow(*this, "GET", "/v1/events?since=1&follow=1");
  BOOST_TEST((sequences(follow.reply.response.body) == numbers{2}));
  tell(3, 4);
  executor.run_ready();
  BOOST_TEST((sequences(follow.reply.response.body) == numbers{2, 3, 4}));
  BOOST_TEST(!follow.done());
  api.following().end();
  executor.run_ready();
  BOOST_TEST(follow.done());
}

BOOST_FIXTURE_TEST_CASE(a_slow_follower_holds_up_nobody_and_is_told_what_it_missed, control_fixture) {
  running_request slow(*this, "GET", "/v1/events?follow=1");
  running_request quick(*this, "GET", "/v1/events?follow=1");
  slow.reply.blocked = true;
  tell(1, 1);
  executor.run_ready();
  for (std::uint64_t sequence = 2; sequence <= 6000; ++sequence) {
    tell(sequence, sequence);
    executor.run_ready();
  }
  BOOST_TEST(sequences(quick.reply.response.body).size() == 6000u);
  slow.reply.blocked = false;
  slow.reply.unblocked.wake_all();
  executor.run_ready();
  const numbers got = sequences(slow.reply.response.body);
  BOOST_TEST(got[0] == 1);
  BOOST_TEST(got[1] == -(6000 - 4096 - 1));
  BOOST_TEST(got.back() == 6000);
  BOOST_TEST(got.size() == 4096u + 2u);
  api.following().end();
  executor.run_ready();
}

BOOST_FIXTURE_TEST_CASE(a_follower_that_has_gone_ends, control_fixture) {
  running_request follow(*this, "GET", "/v1/events?follow=1");
  follow.reply.broken = errc::closed;
  tell(1, 1);
  executor.run_ready();
  BOOST_TEST(follow.done());
  BOOST_TEST(api.following().count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(followers_that_are_ended_get_what_came_last, control_fixture) {
  running_request events_follower(*this, "GET", "/v1/events?follow=1");
  running_request log_follower(*this, "GET", "/v1/instances/db/log?follow=1");
  tell(1, 1);
  say("db", "bye");
  api.following().end();
  tell(2, 2);
  executor.run_ready();
  BOOST_TEST(events_follower.done());
  BOOST_TEST(log_follower.done());
  BOOST_TEST((sequences(events_follower.reply.response.body) == numbers{1, 2}));
  BOOST_TEST(lines_of(log_follower.reply.response.body).size() == 1u);
  BOOST_TEST(ask("GET", "/v1/events?follow=1").status == 200);  // ends by itself from now on
}

BOOST_FIXTURE_TEST_CASE(followers_are_bounded, control_fixture) {
  std::vector<std::unique_ptr<running_request>> following;
  for (std::size_t i = 0; i < control_api::max_followers; ++i) {
    following.push_back(std::make_unique<running_request>(*this, "GET", "/v1/events?follow=1"));
  }
  BOOST_TEST(api.following().count() == control_api::max_followers);
  BOOST_TEST(ask("GET", "/v1/events?follow=1").status == 503);
  BOOST_TEST(ask("GET", "/v1/instances/db/log?follow=1").status == 503);
  api.following().end();
  executor.run_ready();
  BOOST_TEST(api.following().count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_log_is_given_in_its_kept_form, control_fixture) {
  for (int i = 0; i < 300; ++i) say("db", "line \xff " + std::to_string(i));
  const http_response some = ask("GET", "/v1/instances/db/log");
  BOOST_TEST(some.status == 200);
  BOOST_TEST(*some.headers.find("Content-Type") == "text/plain; charset=utf-8");
  BOOST_TEST(lines_of(some.body).size() == 100u);
  BOOST_TEST(lines_of(some.body).back() == "2026-11-21T20:25:00.000Z out F 1 line \xff 299");
  BOOST_TEST(lines_of(ask("GET", "/v1/instances/db/log?n=2").body).size() == 2u);
  BOOST_TEST(ask("GET", "/v1/instances/db/log?n=0").body == "");
  BOOST_TEST(ask("GET", "/v1/instances/llama-1/log").body == "");
}

BOOST_FIXTURE_TEST_CASE(a_log_is_followed_without_a_gap_or_a_repetition, control_fixture) {
  say("db", "one");
  say("db", "two");
  running_request follow(*this, "GET", "/v1/instances/db/log?n=1&follow=1");
  say("db", "three");
  executor.run_ready();
  say("llama-1", "not this");
  say("db", "four");
  executor.run_ready();
  const auto lines = lines_of(follow.reply.response.body);
  BOOST_REQUIRE(lines.size() == 3u);
  BOOST_TEST(lines[0].ends_with(" two"));
  BOOST_TEST(lines[1].ends_with(" three"));
  BOOST_TEST(lines[2].ends_with(" four"));
  api.following().end();
  executor.run_ready();
}

BOOST_FIXTURE_TEST_CASE(a_slow_follower_of_a_log_is_told_how_many_lines_it_missed, control_fixture) {
  running_request follow(*this, "GET", "/v1/instances/db/log?follow=1");
  follow.reply.blocked = true;
  say("db", "first");
  executor.run_ready();
  for (int i = 0; i < 2000; ++i) say("db", std::string(1000, 'x'));
  follow.reply.blocked = false;
  follow.reply.unblocked.wake_all();
  executor.run_ready();
  const auto lines = lines_of(follow.reply.response.body);
  BOOST_TEST(lines[0].ends_with("first"));
  const std::size_t shown = lines.size() - 2;
  BOOST_TEST(lines[1].ends_with("err F 0 hale: " + std::to_string(2000 - shown) +
                                " lines are not shown here, they came too fast"));
  api.following().end();
  executor.run_ready();
}
