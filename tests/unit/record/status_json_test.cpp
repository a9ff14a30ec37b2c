#include "hale/record/status_json.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "record_support.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

instance_status busy_instance() {
  instance_status made;
  made.name = "llama-1";
  made.index = 0;
  made.port = 11534;
  made.pid = 4711;
  made.state = instance_state::serving;
  made.health = health_status::degraded;
  made.cause = cause::no_heartbeat;
  made.reason = "no heartbeat for 21s, expected every 15s";
  made.incarnation = incarnation_number(2);
  made.attempt = 1;
  made.restarts = 1;
  made.uptime = 90s;
  made.heartbeat_age = 21s + 400ms;
  made.error_rate = 0.125;
  made.response = 12ms + 345us;
  made.consecutive_failures = 2;
  made.last_action = "restart";
  made.last_action_at = wall_time(1'795'292'700'000ms);
  made.last_cause = cause::oom_killed;
  made.last_reason = "killed by the kernel: out of memory";
  return made;
}

cluster_status small_cluster() {
  cluster_status made;
  made.cluster = "models";
  made.pid = 99;
  made.version = "0.1.0";
  made.uptime = 1h;
  service_status service;
  service.name = "llama";
  service.target = 2;
  service.serving = 1;
  service.instances.push_back(busy_instance());
  instance_status idle;
  idle.name = "llama-2";
  idle.index = 1;
  service.instances.push_back(idle);
  made.services.push_back(service);
  return made;
}

template <class Value, class Make>
std::optional<Value> maybe(Make make) {
  return *rc::gen::arbitrary<bool>() ? std::optional<Value>(make()) : std::nullopt;
}

duration any_milliseconds() { return std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, 1'000'000'000'000)); }

instance_status any_instance() {
  instance_status made;
  made.name = *test::any_bytes();
  made.index = *rc::gen::arbitrary<std::uint32_t>();
  made.port = *rc::gen::arbitrary<std::uint16_t>();
  made.pid = *rc::gen::inRange<std::int64_t>(0, 1 << 30);
  made.state = static_cast<instance_state>(*rc::gen::inRange(0, static_cast<int>(instance_state::finished) + 1));
  made.health = maybe<health_status>([] { return static_cast<health_status>(*rc::gen::inRange(0, 4)); });
  made.cause = test::any_cause();
  made.reason = *test::any_bytes();
  made.incarnation = incarnation_number(*rc::gen::arbitrary<std::uint64_t>());
  made.attempt = *rc::gen::arbitrary<std::uint32_t>();
  made.restarts = *rc::gen::arbitrary<std::uint64_t>();
  made.uptime = maybe<duration>(any_milliseconds);
  made.heartbeat_age = maybe<duration>(any_milliseconds);
  made.error_rate = maybe<double>([] { return *rc::gen::inRange(0, 1'000'000) / 1e6; });
  made.response = maybe<duration>([] { return std::chrono::microseconds(*rc::gen::inRange<std::int64_t>(0, 1LL << 40)); });
  made.consecutive_failures = *rc::gen::arbitrary<std::uint32_t>();
  made.last_action = *test::any_bytes();
  made.last_action_at = maybe<wall_time>(test::any_time);
  made.last_cause = test::any_cause();
  made.last_reason = *test::any_bytes();
  return made;
}

void check_same(const instance_status& read, const instance_status& made) {
  RC_ASSERT(read.name == test::as_utf8(made.name));
  RC_ASSERT(read.reason == test::as_utf8(made.reason));
  RC_ASSERT(read.last_action == test::as_utf8(made.last_action));
  RC_ASSERT(read.last_reason == test::as_utf8(made.last_reason));
  RC_ASSERT(std::tie(read.index, read.port, read.pid, read.state, read.incarnation, read.attempt, read.restarts,
                     read.consecutive_failures) == std::tie(made.index, made.port, made.pid, made.state,
                                                            made.incarnation, made.attempt, made.restarts,
                                                            made.consecutive_failures));
  RC_ASSERT(std::tie(read.health, read.cause, read.uptime, read.heartbeat_age, read.error_rate, read.response,
                     read.last_action_at, read.last_cause) ==
            std::tie(made.health, made.cause, made.uptime, made.heartbeat_age, made.error_rate, made.response,
                     made.last_action_at, made.last_cause));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_status_has_exactly_the_promised_keys_in_order) {
  BOOST_TEST(
      status_json(small_cluster()) ==
      R"({"cluster":"models","pid":99,"version":"0.1.0","uptime_ms":3600000,"services":[{"name":"llama","target":2,)"
      R"("serving":1,"instances":[{"name":"llama-1","index":0,"port":11534,"pid":4711,"state":"serving",)"
      R"("health":"degraded","cause":"no_heartbeat","reason":"no heartbeat for 21s, expected every 15s",)"
      R"("incarnation":2,"attempt":1,"restarts":1,"uptime_ms":90000,"heartbeat_age_ms":21400,"error_rate":0.125,)"
      R"("response_ms":12.345,"consecutive_failures":2,"last_action":"restart",)"
      R"("last_action_at":"2026-11-21T20:25:00.000Z","last_cause":"oom_killed",)"
      R"("last_reason":"killed by the kernel: out of memory"},{"name":"llama-2","index":1,"port":null,"pid":null,)"
      R"("state":"stopped","health":null,"cause":null,"reason":null,"incarnation":null,"attempt":0,"restarts":0,)"
      R"("uptime_ms":null,"heartbeat_age_ms":null,"error_rate":null,"response_ms":null,"consecutive_failures":0,)"
      R"("last_action":null,"last_action_at":null,"last_cause":null,"last_reason":null}]}]})");
}

BOOST_AUTO_TEST_CASE(an_error_rate_that_is_no_number_is_null) {
  cluster_status status = small_cluster();
  status.services[0].instances[0].error_rate = std::numeric_limits<double>::quiet_NaN();
  const auto read = parse_status(status_json(status));
  BOOST_TEST(read.has_value());
  BOOST_TEST(!read->services[0].instances[0].error_rate.has_value());
}

RC_BOOST_PROP(a_status_that_is_told_and_read_back_is_the_same, ()) {
  cluster_status made;
  made.cluster = *test::any_bytes();
  made.pid = *rc::gen::inRange<std::int64_t>(0, 1 << 30);
  made.version = *test::any_bytes();
  made.uptime = any_milliseconds();
  const int services = *rc::gen::inRange(0, 3);
  for (int i = 0; i < services; ++i) {
    service_status& service = made.services.emplace_back();
    service.name = *test::any_bytes();
    service.target = *rc::gen::arbitrary<std::uint32_t>();
    service.serving = *rc::gen::arbitrary<std::uint32_t>();
    const int instances = *rc::gen::inRange(0, 3);
    for (int j = 0; j < instances; ++j) service.instances.push_back(any_instance());
  }
  const auto read = parse_status(status_json(made));
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->cluster == test::as_utf8(made.cluster));
  RC_ASSERT(read->version == test::as_utf8(made.version));
  RC_ASSERT(read->pid == made.pid);
  RC_ASSERT(read->uptime == made.uptime);
  RC_ASSERT(read->services.size() == made.services.size());
  for (std::size_t i = 0; i < made.services.size(); ++i) {
    RC_ASSERT(read->services[i].name == test::as_utf8(made.services[i].name));
    RC_ASSERT(read->services[i].target == made.services[i].target);
    RC_ASSERT(read->services[i].serving == made.services[i].serving);
    RC_ASSERT(read->services[i].instances.size() == made.services[i].instances.size());
    for (std::size_t j = 0; j < made.services[i].instances.size(); ++j) {
      check_same(read->services[i].instances[j], made.services[i].instances[j]);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_status_is_malformed) {
  const std::string good = status_json(small_cluster());
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"\"pid\":99", "\"pid\":9.5"},
      {"\"uptime_ms\":3600000", "\"uptime_ms\":99999999999999999"},
      {"\"services\":[", "\"services\":[7,"},
      {"\"target\":2", "\"target\":4294967296"},
      {"\"port\":11534", "\"port\":65536"},
      {"\"state\":\"serving\"", "\"state\":\"flying\""},
      {"\"health\":\"degraded\"", "\"health\":7"},
      {"\"error_rate\":0.125", "\"error_rate\":\"0.1\""},
      {"\"response_ms\":12.345", "\"response_ms\":NaN"},
      {"\"name\":\"llama-1\"", "\"name\":null"},
      {"\"cluster\":\"models\"", "\"cluster\":[]"},
  };
  for (const auto& [from, to] : changes) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    BOOST_TEST(!parse_status(bad).has_value(), bad);
  }
  for (const std::string bad : {"", "7", "{}", "{\"cluster\":\"a\"}", "[[[["}) {
    BOOST_TEST(!parse_status(bad).has_value(), bad);
  }
}

BOOST_AUTO_TEST_CASE(the_status_of_a_thousand_instances_is_of_a_sane_size_and_reads_back) {
  cluster_status status = small_cluster();
  status.services[0].instances.assign(1000, busy_instance());
  const std::string text = status_json(status);
  BOOST_TEST(text.size() < 600u * 1000u);
  const auto read = parse_status(text);
  BOOST_TEST(read.has_value());
  BOOST_TEST(read->services[0].instances.size() == 1000u);
}
