#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "hale/sim/run/report_json.hpp"
#include "hale/sim/run/report_text.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

run_report report_of(std::uint64_t ppm, duration length, std::vector<duration> detections) {
  run_report made;
  made.hash = 0xabc;
  made.steps = 10;
  made.length = length;
  made.availability_ppm = ppm;
  made.detections = std::move(detections);
  made.recoveries = {seconds(9)};
  made.restarts = 2;
  made.alerts = 1;
  made.oracles = {{3, "no_two", 5}, {21, "convergence", 0}};
  made.faults = {{fault_kind::oom, 4}};
  return made;
}

run_summary two_runs() {
  run_summary made;
  made.cluster = "local";
  made.instances = 3;
  made.seed = 1;
  made.wanted = 2;
  made.add(report_of(900'000, hours(3), {seconds(3), seconds(1)}));
  made.add(report_of(500'000, hours(1), {seconds(2)}));
  return made;
}

run_failure a_failure() {
  run_failure made;
  made.seed = 2;
  made.number = 3;
  made.name = "no_two";
  made.what = "two of them listen";
  made.at = milliseconds(61'500);
  made.tape = "hale.toml.seed-2.tape";
  made.tape_choices = 4;
  made.shrink_runs = 120;
  made.replay = "hale sim hale.toml --tape hale.toml.seed-2.tape";
  return made;
}

bool has(std::string_view text, std::string_view part) {
  if (text.find(part) != std::string_view::npos) return true;
  BOOST_TEST_MESSAGE("\"" << part << "\" is not in:\n" << text);
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(runs_are_added_up) {
  const run_summary all = two_runs();
  BOOST_TEST(all.runs == 2u);
  BOOST_TEST(all.availability_ppm == 800'000u);
  BOOST_TEST((all.detections == std::vector<duration>{seconds(1), seconds(2), seconds(3)}));
  BOOST_TEST(all.restarts == 4u);
  BOOST_TEST(all.oracles.size() == 2u);
  BOOST_TEST(all.oracles.front().premises == 10u);
  BOOST_TEST(all.faults.front().count == 8u);
  BOOST_TEST(!all.trace);
}

BOOST_AUTO_TEST_CASE(percentiles_are_the_nearest_rank) {
  std::vector<duration> hundred;
  for (int n = 1; n <= 100; ++n) hundred.push_back(seconds(n));
  BOOST_TEST((percentile(hundred, 50) == seconds(50)));
  BOOST_TEST((percentile(hundred, 99) == seconds(99)));
  BOOST_TEST((percentile({seconds(7)}, 99) == seconds(7)));
}

BOOST_AUTO_TEST_CASE(the_text_of_one_clean_run_ends_with_its_trace) {
  run_summary one;
  one.cluster = "local";
  one.seed = 7;
  one.add(report_of(999'900, hours(1), {}));
  const std::string text = report_text(one);
  BOOST_TEST(has(text, "seed 7: 1h simulated"));
  BOOST_TEST(has(text, "99.9900 %"));
  BOOST_TEST(has(text, "oom 4"));
  BOOST_TEST(has(text, "held, judged 5 times"));
  BOOST_TEST(has(text, "never judged  convergence"));
  BOOST_TEST(has(text, "clean\ntrace 0000000000000abc\n"));
  BOOST_TEST(text.ends_with("trace 0000000000000abc\n"));
}

BOOST_AUTO_TEST_CASE(the_text_of_a_failure_says_how_to_see_it_again) {
  run_summary all = two_runs();
  all.failures.push_back(a_failure());
  const std::string text = report_text(all);
  BOOST_TEST(has(text, "seeds 1 to 2, 2 runs: 4h simulated"));
  BOOST_TEST(has(text, "FAILED: seed 2: oracle 3 no_two at 1m1.5s"));
  BOOST_TEST(has(text, "two of them listen"));
  BOOST_TEST(has(text, "hale.toml.seed-2.tape (4 choices, shrunk in 120 runs)"));
  BOOST_TEST(has(text, "hale sim hale.toml --tape hale.toml.seed-2.tape\n"));
  BOOST_TEST(has(text, "1 of 2 runs failed\n"));
}

BOOST_AUTO_TEST_CASE(an_interrupted_report_says_how_far_it_came) {
  run_summary all = two_runs();
  all.wanted = 500;
  all.interrupted = true;
  BOOST_TEST(has(report_text(all), "2 runs of 500, then interrupted"));
  BOOST_TEST(!nlohmann::json::parse(report_json(all))["clean"].get<bool>());
}

BOOST_AUTO_TEST_CASE(many_failures_are_not_all_shown_to_people) {
  run_summary all = two_runs();
  for (int n = 0; n < 50; ++n) all.failures.push_back(a_failure());
  BOOST_TEST(has(report_text(all), "and 30 more"));
  BOOST_TEST(nlohmann::json::parse(report_json(all))["failures"].size() == 50u);
}

BOOST_AUTO_TEST_CASE(the_json_has_all_of_it) {
  run_summary all = two_runs();
  all.failures.push_back(a_failure());
  all.failures.front().what = "not UTF-8: \xff";
  const auto read = nlohmann::json::parse(report_json(all));
  BOOST_TEST(read["runs"] == 2);
  BOOST_TEST(read["clean"] == false);
  BOOST_TEST(read["detect_ms"]["p50"] == 2000);
  BOOST_TEST(read["faults"]["oom"] == 8);
  BOOST_TEST(read["oracles"][0]["judged"] == 10);
  BOOST_TEST(read["oracles"][0]["failed"] == 1);
  BOOST_TEST(read["failures"][0]["at_ms"] == 61'500);
  BOOST_TEST(read["failures"][0]["replay"] == a_failure().replay);
  BOOST_TEST(read["trace"].is_null());
}
