#include "sim_workers.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <stdexcept>
#include <unistd.h>

#include "sim_job.hpp"
#include "terminal.hpp"

using namespace hale;
using namespace hale::cli;

namespace {

constexpr int for_ever = -1;

worker_end run_one(const std::function<void(worker_output&)>& body) {
  workers all;
  all.start(5, body);
  auto ended = all.next(for_ever);
  BOOST_REQUIRE(ended);
  BOOST_TEST(all.idle());
  BOOST_TEST(ended->job == 5u);
  return std::move(*ended);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sim_workers_)

BOOST_AUTO_TEST_CASE(parts_arrive_whole_whatever_their_size) {
  const std::string large(3'000'000, 'x');
  const worker_end ended = run_one([&](worker_output& to) {
    to.send(part::progress, "one");
    to.send(part::tape, large);
    to.send(part::progress, "two");
    to.send(part::report, "");
  });
  BOOST_TEST(ended.crash == "");
  BOOST_TEST((ended.parts.at(part::tape) == large));
  BOOST_TEST(ended.parts.at(part::progress) == "two");
  BOOST_TEST(ended.parts.at(part::report) == "");
}

BOOST_AUTO_TEST_CASE(a_crash_is_told_with_its_signal_and_its_last_words) {
  const worker_end ended = run_one([](worker_output& to) {
    to.send(part::progress, "so far");
    write_all(2, "something is wrong\nmore\n");
    kill(getpid(), SIGKILL);
  });
  BOOST_TEST(ended.crash == "it was ended by SIGKILL: something is wrong");
  BOOST_TEST(ended.parts.at(part::progress) == "so far");
  BOOST_TEST(ended.errors == "something is wrong\nmore\n");
}

BOOST_AUTO_TEST_CASE(what_a_worker_throws_is_a_crash) {
  const worker_end ended = run_one([](worker_output&) { throw std::runtime_error("no more"); });
  BOOST_TEST(ended.crash == "it ended with exit code 1: no more");
}

BOOST_AUTO_TEST_CASE(an_interrupt_ends_the_waiting_and_leaves_no_worker_behind) {
  workers all;
  all.start(1, [](worker_output& to) {
    to.send(part::progress, "begun");
    pause();
  });
  while (all.newest(part::progress).empty()) BOOST_REQUIRE(!all.next(10));
  kill(getpid(), SIGINT);
  BOOST_TEST(!all.next(for_ever));
  BOOST_TEST(all.interrupted());
  BOOST_TEST(all.newest(part::progress).at(1) == "begun");
  all.kill_all();
  BOOST_TEST(all.idle());
}

BOOST_AUTO_TEST_CASE(a_run_reports_through_a_worker_what_it_found) {
  sim_job job;
  job.options.spec.name = "test";
  service_spec service;
  service.name = "llama";
  service.command = {"server"};
  service.health.emplace();
  service.instances.push_back(instance_spec{"llama", 8001});
  job.options.spec.services.push_back(service);
  job.options.length = std::chrono::minutes(10);
  job.seed = 3;
  job.record = job.picture = true;
  job.how = "--seed 3";
  const worker_end ended = run_one([&](worker_output& to) { run_job(job, to); });
  BOOST_REQUIRE(ended.parts.contains(part::report));
  const sim::run_report seen = read_report(ended.parts.at(part::report));
  sim::seed_driver driver(3);
  const sim::run_report here = run_cluster(job.options, driver);
  BOOST_TEST(seen.hash == here.hash);
  BOOST_TEST(seen.restarts == here.restarts);
  BOOST_TEST((seen.recoveries == here.recoveries));
  BOOST_TEST(seen.oracles.size() == here.oracles.size());
  BOOST_TEST(seen.faults.size() == here.faults.size());
  const auto tape = sim::tape::parse(ended.parts.at(part::tape));
  BOOST_REQUIRE(tape);
  BOOST_TEST(tape->options == "--seed 3");
  BOOST_TEST(ended.parts.at(part::picture).find("<html") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
