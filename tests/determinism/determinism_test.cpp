// The same choices give the same run: again in one process, from the recorded tape, watched or not; and what is to be
// the same in other builds is written down for tools/test to compare (HALE_DETERMINISM_HASHES names the file).
#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "determinism/small_cluster.hpp"
#include "determinism/trapped_run.hpp"

using namespace determinism;
using namespace hale;
using namespace hale::sim;

namespace {

struct recorded_run {
  run_report report;
  sim::tape tape;
  trace steps;
};

recorded_run record_seed(std::uint64_t seed) {
  recorded_run made;
  run_options options = short_run();
  options.keep_steps = &made.steps;
  seed_driver driver(seed);
  made.report = trapped_run(options, driver, &made.tape);
  return made;
}

/// Each seed's first run; seed 1 comes first in it.
const std::vector<recorded_run>& first_runs() {
  static const std::vector<recorded_run> runs = [] {
    std::vector<recorded_run> made;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) made.push_back(record_seed(seed));
    return made;
  }();
  return runs;
}

const recorded_run& first_run(std::uint64_t seed) { return first_runs()[seed - 1]; }

/// All that a report says of a run, in one line.
std::string in_words(const run_report& seen) {
  std::string text = fmt::format("{:016x} {} steps {} draws {} ns {} ppm {} restarts {} alerts", seen.hash, seen.steps,
                                 seen.draws, seen.length.count(), seen.availability_ppm, seen.restarts, seen.alerts);
  for (const duration one : seen.detections) text += fmt::format(" detected {}", one.count());
  for (const duration one : seen.recoveries) text += fmt::format(" recovered {}", one.count());
  for (const oracle_count& one : seen.oracles) text += fmt::format(" {} {}", one.name, one.premises);
  for (const fault_count& one : seen.faults) text += fmt::format(" {} {}", describe(one.kind).name, one.count);
  if (seen.verdict) text += fmt::format(" {}: {}", seen.verdict->name, seen.verdict->what);
  return text;
}

/// Looks at everything there is, and prints it.
class chatterer final : public oracle {
 public:
  explicit chatterer(std::FILE* to) : oracle(100, "chatterer", "says all it sees"), to_(to) {}
  void on_event(const event& what) noexcept override {
    std::fprintf(to_, "%s %s\n", what.instance.c_str(), what.reason.c_str());
    premise();
  }
  void on_fault(const injected_fault& what) override { std::fprintf(to_, "%s\n", what.detail.c_str()); }
  void on_tick() override { std::fprintf(to_, "tick\n"); }

 private:
  std::FILE* to_;
};

/// The label under which most was drawn that was not benign.
std::string busiest_label(const sim::tape& of) {
  const auto weight = [](const sim::tape::label_stream& one) {
    return std::count_if(one.values.begin(), one.values.end(), [](std::uint64_t value) { return value != 0; });
  };
  const auto most = std::max_element(of.streams().begin(), of.streams().end(),
                                     [&](const auto& a, const auto& b) { return weight(a) < weight(b); });
  return most == of.streams().end() ? std::string() : most->label;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_run_again_whatever_ran_in_between) {
  BOOST_TEST(first_runs().size() == seeds);
  for (std::uint64_t seed = seeds; seed > 0; --seed) {
    sim::tape drawn;
    seed_driver driver(seed);
    const run_report again = trapped_run(short_run(), driver, &drawn);
    BOOST_TEST(in_words(again) == in_words(first_run(seed).report), "seed " << seed);
    BOOST_TEST((drawn.to_text() == first_run(seed).tape.to_text()), "seed " << seed << " drew something else");
  }
}

BOOST_AUTO_TEST_CASE(different_seeds_give_different_runs) {
  std::vector<std::uint64_t> hashes;
  for (const recorded_run& one : first_runs()) hashes.push_back(one.report.hash);
  std::sort(hashes.begin(), hashes.end());
  BOOST_TEST((std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end()));
}

BOOST_AUTO_TEST_CASE(a_recorded_tape_gives_the_same_run_step_by_step) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto read = sim::tape::parse(first_run(seed).tape.to_text());
    BOOST_TEST_REQUIRE(read.has_value());
    run_options options = short_run();
    trace before = first_run(seed).steps;
    options.check_against = &before;
    tape_driver driver(*read);
    const run_report replayed = trapped_run(options, driver);
    BOOST_TEST(replayed.first_difference == 0u, "seed " << seed << " differs at step " << replayed.first_difference);
    BOOST_TEST(in_words(replayed) == in_words(first_run(seed).report), "seed " << seed);
  }
}

BOOST_AUTO_TEST_CASE(watching_a_run_and_printing_it_changes_nothing) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  BOOST_TEST_REQUIRE(nowhere != nullptr);
  std::uint64_t said = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    run_options options = short_run();
    options.keep_timeline = true;
    options.more_oracles = [&](judge& to) { to.add(std::make_unique<chatterer>(nowhere.get())); };
    seed_driver driver(seed);
    const run_report seen = trapped_run(options, driver);
    BOOST_TEST(seen.hash == first_run(seed).report.hash, "seed " << seed);
    BOOST_TEST(seen.draws == first_run(seed).report.draws, "seed " << seed);
    BOOST_TEST_REQUIRE(seen.picture.has_value());
    for (const oracle_count& one : seen.oracles) said += one.number == 100 ? one.premises : 0;
  }
  BOOST_TEST(said > 0u);
}

BOOST_AUTO_TEST_CASE(a_tape_that_lacks_a_stream_gives_another_run) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    sim::tape maimed = first_run(seed).tape;
    const std::string label = busiest_label(maimed);
    std::erase_if(maimed.streams(), [&](const auto& one) { return one.label == label; });
    run_options options = short_run();
    trace before = first_run(seed).steps;
    options.check_against = &before;
    tape_driver driver(maimed);
    const run_report seen = trapped_run(options, driver);
    BOOST_TEST(seen.hash != first_run(seed).report.hash, "seed " << seed << " is the same without " << label);
    BOOST_TEST(seen.first_difference > 0u, "seed " << seed << " takes the same steps without " << label);
  }
}

BOOST_AUTO_TEST_CASE(an_empty_tape_is_a_run_without_any_fault) {
  const sim::tape nothing;
  sim::tape drawn;
  tape_driver driver(nothing);
  const run_report seen = trapped_run(short_run(), driver, &drawn);
  BOOST_TEST(!seen.verdict.has_value());
  BOOST_TEST(seen.draws > 0u);
  BOOST_TEST(drawn.weight() == 0u);
  BOOST_TEST(seen.restarts == 0u);
  BOOST_TEST(seen.alerts == 0u);
  BOOST_TEST(seen.faults.empty());
  BOOST_TEST(seen.availability_ppm == 1'000'000u);
}

BOOST_AUTO_TEST_CASE(the_faults_of_these_runs_are_many) {
  std::vector<fault_kind> seen;
  std::uint64_t restarts = 0;
  for (const recorded_run& one : first_runs()) {
    for (const fault_count& fault : one.report.faults) seen.push_back(fault.kind);
    restarts += one.report.restarts;
  }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  const std::vector<fault_kind> all = default_faults();
  std::string missing;
  for (const fault_kind kind : all) {
    if (!std::binary_search(seen.begin(), seen.end(), kind)) missing += fmt::format(" {}", describe(kind).name);
  }
  BOOST_TEST(missing == "");
  BOOST_TEST(restarts > 100u);
}

BOOST_AUTO_TEST_CASE(the_hashes_are_written_down) {
  const char* const path = std::getenv("HALE_DETERMINISM_HASHES");
  std::ofstream file(path != nullptr ? path : "/dev/null");
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    file << fmt::format("{} {:016x}\n", seed, first_run(seed).report.hash);
  }
  file.close();
  BOOST_TEST(!file.fail());
}
