#include "hale/sim/run/shrink.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>

using namespace hale;
using namespace hale::sim;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr int impatience = 100;

/// What the planted mistake below breaks; watched only while faults strike, so that it takes one to see it.
class patience final : public oracle {
 public:
  explicit patience(const chronicle& history)
      : oracle(impatience, "patience", "SIGKILL comes no sooner than 5 s after SIGTERM"), history_(history) {}

  void on_phase(run_phase phase) override { watching_ = phase == run_phase::chaos; }

  void on_signal(const simulated_process& to, const sent_signal& sent) override {
    if (!watching_ || sent.from != signal_sender::supervisor || !to.is_leader()) return;
    if (sent.number == SIGTERM) {
      premise();
      asked_[to.serial()] = history_.now();
    }
    const auto asked = asked_.find(to.serial());
    if (sent.number != SIGKILL || !sent.delivered || asked == asked_.end()) return;
    if (history_.now() < asked->second + seconds(5)) {
      violated(to.instance() + " was killed too soon");
    }
  }

 private:
  const chronicle& history_;
  bool watching_ = false;
  std::map<std::uint64_t, instant> asked_;
};

run_options with_a_planted_mistake() {
  run_options options;
  options.spec.name = "test";
  service_spec service;
  service.name = "llama";
  service.command = {"server"};
  service.health.emplace();
  for (std::uint16_t n = 1; n <= 3; ++n) {
    service.instances.push_back(instance_spec{"llama-" + std::to_string(n), static_cast<std::uint16_t>(8000 + n)});
  }
  options.spec.services.push_back(service);
  options.with_oracles = false;
  options.more_oracles = [](judge& over) { over.add(std::make_unique<patience>(over.context().history)); };
  options.adjust = [](stage_options& stage) {
    stage.misread = [](cluster_spec& told) {
      for (service_spec& one : told.services) one.stop.timeout = milliseconds(1);
    };
  };
  return options;
}

struct failing_run {
  tape recorded;
  run_report seen;
};

failing_run find_failure(const run_options& options) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    failing_run found;
    seed_driver driver(seed);
    found.seen = run_cluster(options, driver, &found.recorded);
    if (found.seen.verdict && found.recorded.weight() > 10) return found;
  }
  BOOST_FAIL("the planted mistake was not found with any seed");
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_failing_run_is_shrunk_to_the_few_choices_it_needs) {
  run_options options = with_a_planted_mistake();
  const failing_run found = find_failure(options);
  BOOST_TEST(found.seen.verdict->oracle == impatience);
  std::uint64_t told = 0;
  shrink_limits limits;
  limits.progress = [&](const shrunk_tape& so_far) {
    ++told;
    BOOST_TEST(so_far.tape.weight() <= found.recorded.weight());
  };
  const shrunk_tape least = shrink(options, found.recorded, impatience, limits);
  BOOST_TEST(told > 0u);
  BOOST_TEST(least.tape.weight() > 0u);
  BOOST_TEST(least.tape.weight() <= 10u);
  BOOST_TEST(least.tape.to_text().size() < 1000u);
  BOOST_TEST((least.length <= options.length));
  BOOST_TEST_MESSAGE(least.runs << " runs:\n" << least.tape.to_text());

  const auto read_back = tape::parse(least.tape.to_text());
  BOOST_REQUIRE(read_back);
  options.length = least.length;
  tape_driver again(*read_back);
  const run_report seen = run_cluster(options, again);
  BOOST_REQUIRE(seen.verdict);
  BOOST_TEST(seen.verdict->oracle == impatience);
}

BOOST_AUTO_TEST_CASE(shrinking_ends_when_its_runs_are_used_up) {
  const run_options options = with_a_planted_mistake();
  const failing_run found = find_failure(options);
  shrink_limits limits;
  limits.max_runs = 7;
  const shrunk_tape least = shrink(options, found.recorded, impatience, limits);
  BOOST_TEST(least.runs == 7u);
  BOOST_TEST(least.verdict.has_value());
}

BOOST_AUTO_TEST_CASE(what_does_not_fail_is_not_shrunk) {
  run_options options = with_a_planted_mistake();
  options.length = minutes(5);
  const shrunk_tape least = shrink(options, tape(), 99, shrink_limits());
  BOOST_TEST(least.runs == 1u);
  BOOST_TEST(!least.verdict);
}
