#include "hale/heal/validate.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;

namespace {

hale::cluster_spec small_cluster() {
  hale::cluster_spec spec;
  hale::service_spec service;
  service.name = "a";
  service.command = {"x"};
  service.instances.resize(1);
  service.instances[0] = {"a", 8080};
  spec.services.push_back(service);
  return spec;
}

// The only fault of a small cluster after one change.
template <class Change>
std::string fault_after(Change change) {
  hale::cluster_spec spec = small_cluster();
  change(spec, spec.services[0]);
  const auto lines = hale::validate(spec);
  return lines.size() == 1 ? lines[0] : std::to_string(lines.size()) + " faults";
}

using cluster = hale::cluster_spec;
using service = hale::service_spec;

}  // namespace

BOOST_AUTO_TEST_CASE(a_spec_made_in_code_is_checked_like_a_file) {
  BOOST_TEST(hale::validate(small_cluster()).empty());
  BOOST_TEST(fault_after([](cluster& c, service&) { c.services.clear(); }) ==
             "service: expected at least one service: [service.NAME] with a command");
  BOOST_TEST(fault_after([](cluster& c, service&) { c.name = "a b"; }) ==
             "cluster.name: the name \"a b\" may hold only letters, digits and . _ - : @");
  BOOST_TEST(fault_after([](cluster& c, service&) { c.start_concurrency = 0; }) ==
             "cluster.start_concurrency: expected a whole number from 1 to 10000");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.instances.clear(); }) ==
             "service.a.instances: expected a whole number from 1 to 10000");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.command = {"{prot}"}; }) ==
             "service.a.command[0]: unknown placeholder {prot}: did you mean {port}?");
  BOOST_TEST(fault_after([](cluster&, service& s) {
               s.shell = true;
               s.command = {"x", "y"};
             }) == "service.a.command: expected one string for the shell, since shell = true");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.restart.backoff.jitter_permille = 1'001; }) ==
             "service.a.restart.jitter: expected a share from 0 to 1");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.stop.signal = 0; }) ==
             "service.a.stop.signal: expected a signal from 1 to 64");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.stop.diagnostic_signal = -1; }) ==
             "service.a.stop.diagnostic_signal: expected a signal from 1 to 64");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.errors.degraded = -1; }) ==
             "service.a.errors.degraded: expected a share from 0 to 1");
  BOOST_TEST(fault_after([](cluster&, service& s) { s.stagger = -1s; }) ==
             "service.a.stagger: expected a duration from 0s to 365d");
  BOOST_TEST(fault_after([](cluster& c, service& s) { c.services.push_back(s); }) == "3 faults");
}

BOOST_AUTO_TEST_CASE(drift_beyond_twice_the_expected_is_refused_without_overflow) {
  const auto with = [](hale::duration expected, hale::duration drift) {
    return fault_after([=](cluster&, service& s) { s.heartbeat = hale::heartbeat_spec{expected, drift}; });
  };
  BOOST_TEST(with(5s, 10s) == "0 faults");
  BOOST_TEST(
      with(5s, 10s + 1ns) ==
      "service.a.heartbeat.drift: 10s is more than twice the expected 5s: it would be dead before it is degraded");
  BOOST_TEST(with(hale::duration::max(), 5s) == "service.a.heartbeat.expected: expected a duration from 1ms to 365d");
}

BOOST_AUTO_TEST_CASE(a_probe_can_be_sent_as_it_is_written) {
  const auto with = [](std::string path, std::string port) {
    return fault_after([=](cluster&, service& s) {
      s.health.emplace();
      s.health->path = path;
      s.health->port = port;
    });
  };
  BOOST_TEST(with("/{name}?i={index}", "{port}") == "0 faults");
  BOOST_TEST(with("/caf\xC3\xA9", "") ==
             "service.a.health.http: a path holds only printable ASCII: write a space as %20, and others likewise");
  const std::string no_port =
      "service.a.health.port: expected placeholders that make a port from 1 to 65535, such as \"{port}\"";
  BOOST_TEST(with("/", "{name}") == no_port);
  BOOST_TEST(with("/", "{port}0") == no_port);
  BOOST_TEST(with("/", "{index}") == no_port);
  BOOST_TEST(with("/", "1{index}") == "0 faults");
}

BOOST_AUTO_TEST_CASE(only_the_first_of_many_unknown_names_are_compared_with_all_others) {
  cluster spec = small_cluster();
  spec.services.push_back(spec.services[0]);
  spec.services[1].name = "database";
  spec.services[1].instances[0] = {"database", 0};
  spec.services[0].needs.assign(100, "databse");
  const auto lines = hale::validate(spec);
  BOOST_TEST(lines.size() == 100u);
  BOOST_TEST(lines[15] == "service.a.needs[15]: there is no service \"databse\": did you mean \"database\"?");
  BOOST_TEST(lines[16] == "service.a.needs[16]: there is no service \"databse\"");
}

BOOST_AUTO_TEST_CASE(every_cycle_is_shown_once) {
  cluster spec = small_cluster();
  for (const std::string name : {"b", "c", "d"}) {
    service next = spec.services[0];
    next.name = name;
    next.instances[0] = {name, 0};
    spec.services.push_back(next);
  }
  spec.services[0].needs = {"b"};
  spec.services[1].after = {"a", "c"};
  spec.services[2].needs = {"d"};
  spec.services[3].needs = {"b"};
  const std::vector<std::string> expected = {"service.b.after[0]: a cycle: a → b → a",
                                             "service.d.needs[0]: a cycle: b → c → d → b"};
  BOOST_TEST(hale::validate(spec) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_long_chain_of_needs_is_no_cycle) {
  cluster spec;
  for (int i = 0; i < 1'000; ++i) {
    service next;
    next.name = "s" + std::to_string(i);
    next.command = {"x"};
    next.instances.resize(1);
    next.instances[0].name = next.name;
    if (i < 999) next.needs = {"s" + std::to_string(i + 1)};
    spec.services.push_back(next);
  }
  BOOST_TEST(hale::validate(spec).empty());
  spec.services[999].needs = {"s998"};
  BOOST_TEST(hale::validate(spec).size() == 1u);
}
