#include "demo_plan.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

using namespace hale;
using namespace hale::cli;
using namespace std::chrono_literals;

namespace {

cluster_status all_serving(std::uint64_t incarnation) {
  cluster_status status;
  for (const char* name : {"chat", "code", "embed"}) {
    instance_status one;
    one.name = name;
    one.state = instance_state::serving;
    one.health = health_status::healthy;
    one.incarnation = incarnation_number(incarnation);
    one.last_cause = cause::crash;
    service_status service;
    service.instances.push_back(one);
    status.services.push_back(service);
  }
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan)

BOOST_AUTO_TEST_CASE(a_fault_is_healed_only_by_a_healthy_successor) {
  demo_plan plan(15s, true);
  plan.watch(1s, all_serving(1));
  BOOST_TEST(!plan.all_healed());
  plan.watch(20s, all_serving(1));
  for (const demo_fault& fault : plan.faults()) BOOST_TEST((fault.is == demo_fault::stage::struck));
  cluster_status loading = all_serving(2);
  for (service_status& service : loading.services) service.instances[0].state = instance_state::starting;
  plan.watch(21s, loading);
  BOOST_TEST(!plan.all_healed());
  plan.watch(22s, all_serving(2));
  BOOST_TEST(plan.all_healed());
  BOOST_TEST(plan.faults().front().verdict == "crash");
}

BOOST_AUTO_TEST_CASE(every_fault_reaches_the_server_it_is_meant_for) {
  const demo_plan plan(60s, true);
  BOOST_TEST(plan.schedule_of("chat") == "crash@12000ms,exit?code=1@36000ms");
  std::size_t planned = 0;
  for (const char* name : {"chat", "code", "embed"}) {
    const std::string schedule = plan.schedule_of(name);
    planned += static_cast<std::size_t>(std::count(schedule.begin(), schedule.end(), '@'));
  }
  BOOST_TEST(planned == plan.faults().size());
}

BOOST_AUTO_TEST_CASE(a_short_demo_still_leaves_time_to_load) {
  const demo_plan plan(1s, false);
  for (const demo_fault& fault : plan.faults()) BOOST_TEST((fault.at >= 2s));
}

BOOST_AUTO_TEST_SUITE_END()
