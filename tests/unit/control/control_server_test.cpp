// The control server and its client, with a whole HTTP connection in memory between them.
#include "hale/control/control_server.hpp"

#include <boost/test/unit_test.hpp>

#include "control_support.hpp"
#include "hale/control/control_client.hpp"
#include "hale/record/event_json.hpp"
#include "hale/record/status_json.hpp"
#include "support/memory_stream.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

// Connections lead to the listener of the test.
class memory_network final : public network {
 public:
  task<result<std::unique_ptr<byte_stream>>> connect(endpoint, deadline) override {
    if (refuse) co_return system_error(ECONNREFUSED);
    auto link = std::make_shared<test::memory_link>();
    link->client_user = user;
    std::unique_ptr<byte_stream> client = std::make_unique<test::memory_stream>(link, false);
    last = listening.arrive(link);
    co_return std::move(client);
  }
  result<std::unique_ptr<listener>> listen(endpoint) override { return errc::refused; }
  std::error_code check_bindable(endpoint) noexcept override { return {}; }
  result<std::unique_ptr<datagram_socket>> bind_datagram(std::string) override { return errc::refused; }

  test::memory_listener listening;
  std::shared_ptr<test::memory_link> last;
  std::uint32_t user = 1000;
  bool refuse = false;
};

struct served_fixture : test::control_fixture {
  served_fixture() { executor.run_ready(); }
  ~served_fixture() {
    stop.cancel();
    executor.run();
    if (!server.done()) std::abort();
  }

  result<http_response> ask_over_http(std::string method, std::string path, std::string body = {}) {
    root<result<http_response>> asking(executor, client.request(std::move(method), std::move(path), std::move(body),
                                                                deadline(executor.now() + 5s)));
    executor.run_for(10s);
    return asking.take();
  }

  memory_network network;
  control_client client{network, endpoint::unix_path("/control")};
  cancel_source stop;
  root<void> server{executor, serve_control(network.listening, api, time), &stop};
};

// Reads lines until the stream ends.
task<void> read_all(control_client& client, std::string path, std::vector<std::string>& lines, std::string& end) {
  auto following = client.follow(std::move(path), deadline::never());
  auto stream = co_await std::move(following);
  if (!stream) {
    end = stream.error().message();
    co_return;
  }
  for (;;) {
    auto reading = (*stream)->next(deadline::never());
    const auto line = co_await std::move(reading);
    if (!line) {
      end = (*stream)->complete() ? "complete" : line.error().message();
      co_return;
    }
    lines.push_back(*line);
  }
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(a_client_gets_status_and_gives_commands, served_fixture) {
  const auto status = ask_over_http("GET", "/v1/status");
  BOOST_REQUIRE(status.has_value());
  BOOST_TEST(parse_status(status->body)->cluster == "models");
  BOOST_TEST(ask_over_http("POST", "/v1/services/llama/restart")->status == 200);
  BOOST_TEST(ask_over_http("POST", "/v1/instances/db/requests", R"({"duration_ms":1,"ok":false})")->status == 200);
  BOOST_TEST(target.asked.size() == 2u);
  const auto unknown = ask_over_http("POST", "/v1/instances/dbb/start");
  BOOST_TEST(unknown->status == 404);
  BOOST_TEST(error_message(*unknown) == "no instance is called \"dbb\"; did you mean \"db\"?");
}

BOOST_FIXTURE_TEST_CASE(what_cannot_be_reached_or_is_not_allowed_says_so, served_fixture) {
  BOOST_TEST(ask_over_http("POST", "/v1/instances/db/requests", std::string(20'000, ' '))->status == 413);
  network.user = 1001;
  BOOST_TEST(ask_over_http("GET", "/v1/status")->status == 403);
  network.refuse = true;
  BOOST_TEST((ask_over_http("GET", "/v1/status").error() == system_error(ECONNREFUSED)));
}

BOOST_FIXTURE_TEST_CASE(status_is_answered_while_commands_wait_and_followers_follow, served_fixture) {
  target.commands_take_long = true;
  root<result<http_response>> stopping(executor, client.request("POST", "/v1/services/llama/stop", {}, deadline::never()));
  std::vector<std::string> lines;
  std::string end;
  root<void> following(executor, read_all(client, "/v1/events?follow=1", lines, end));
  executor.run_for(1s);
  BOOST_TEST(!stopping.done());
  BOOST_TEST(ask_over_http("GET", "/v1/status")->status == 200);
  target.finish();
  tell(1, 1);
  executor.run_for(2s);
  BOOST_TEST(stopping.take()->status == 200);
  BOOST_TEST(lines.size() == 1u);
  BOOST_TEST(!following.done());
  stop.cancel();
  executor.run();
}

BOOST_FIXTURE_TEST_CASE(when_the_server_ends_its_followers_get_the_last_events_and_a_proper_end, served_fixture) {
  std::vector<std::string> lines;
  std::string end;
  root<void> following(executor, read_all(client, "/v1/events?follow=1", lines, end));
  executor.run_for(1s);
  tell(1, 3);
  stop.cancel();
  executor.run();
  BOOST_TEST(server.done());
  BOOST_TEST(following.done());
  BOOST_TEST(end == "complete");
  BOOST_TEST(lines.size() == 3u);
  BOOST_TEST(parse_event(lines.back())->what.sequence == 3u);
}

BOOST_FIXTURE_TEST_CASE(a_follower_that_does_not_read_cannot_hold_up_the_end, served_fixture) {
  std::vector<std::string> lines;
  std::string end;
  root<void> following(executor, read_all(client, "/v1/events?follow=1", lines, end));
  executor.run_for(1s);
  network.last->to_client.capacity = 16;
  network.last->to_client.stall(true);
  tell(1, 100);
  executor.run_for(1s);
  const instant before = executor.now();
  stop.cancel();
  executor.run_for(2s);
  BOOST_TEST(server.done());
  BOOST_TEST((executor.now() - before <= 2s));
  network.last->to_client.stall(false);
  executor.run();
  BOOST_TEST(end != "complete");
}

BOOST_FIXTURE_TEST_CASE(a_follower_that_goes_away_gives_its_place_back, served_fixture) {
  {
    std::vector<std::string> lines;
    std::string end;
    cancel_source leave;
    root<void> following(executor, read_all(client, "/v1/instances/db/log?follow=1", lines, end), &leave);
    executor.run_for(1s);
    BOOST_TEST(api.following().count() == 1u);
    leave.cancel();
    executor.run_for(1s);
    BOOST_TEST(following.done());
  }
  executor.run_for(1s);
  BOOST_TEST(api.following().count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_closed_listener_ends_the_server, served_fixture) {
  network.listening.close();
  executor.run_for(2s);
  BOOST_TEST(server.done());
}
