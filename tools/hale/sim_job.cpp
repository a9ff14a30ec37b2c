#include "sim_job.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "hale/base/text.hpp"
#include "hale/sim/run/shrink.hpp"

namespace hale::cli {
namespace {

using nlohmann::json;
using real_clock = std::chrono::steady_clock;

constexpr int watching_number = 0;
constexpr std::uint64_t ticks_between = 512;
constexpr auto shrunk_interval = std::chrono::seconds(1);

std::string whole_seconds(duration value) {
  return format_duration(value / std::chrono::seconds(1) * std::chrono::seconds(1));
}

// No oracle, but told of ticks as they are, and without a trace in the run.
class watcher final : public sim::oracle {
 public:
  watcher(const sim::chronicle& history, duration length, worker_output& to)
      : oracle(watching_number, "watcher", ""), history_(history), length_(length), to_(to) {}
  void on_tick() override {
    if (++ticks_ % ticks_between != 0) return;
    to_.send(part::progress, fmt::format("{} of {} simulated", whole_seconds(history_.now().time_since_epoch()),
                                         whole_seconds(length_)));
  }

 private:
  const sim::chronicle& history_;
  duration length_;
  worker_output& to_;
  std::uint64_t ticks_ = 0;
};

json numbers(const std::vector<duration>& values) {
  json made = json::array();
  for (const duration value : values) made.push_back(value.count());
  return made;
}

std::vector<duration> durations(const json& from) {
  std::vector<duration> made;
  for (const auto& value : from) made.emplace_back(value.get<std::int64_t>());
  return made;
}

json written(const sim::violation& verdict) {
  return {{"oracle", verdict.oracle},
          {"name", verdict.name},
          {"what", verdict.what},
          {"at", verdict.at.time_since_epoch().count()}};
}

sim::violation read_verdict(const json& from) {
  sim::violation verdict;
  verdict.oracle = from["oracle"];
  verdict.name = from["name"];
  verdict.what = from["what"];
  verdict.at = instant(duration(from["at"].get<std::int64_t>()));
  return verdict;
}

std::string dump(const json& made) { return made.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string write_report(const sim::run_report& seen) {
  json made = {{"hash", seen.hash},
               {"steps", seen.steps},
               {"draws", seen.draws},
               {"length", seen.length.count()},
               {"availability", seen.availability_ppm},
               {"detections", numbers(seen.detections)},
               {"recoveries", numbers(seen.recoveries)},
               {"restarts", seen.restarts},
               {"alerts", seen.alerts},
               {"oracles", json::array()},
               {"faults", json::array()}};
  if (seen.verdict) made["verdict"] = written(*seen.verdict);
  for (const auto& one : seen.oracles) {
    if (one.number != watching_number) made["oracles"].push_back({one.number, one.name, one.premises});
  }
  for (const auto& one : seen.faults) made["faults"].push_back({static_cast<int>(one.kind), one.count});
  return dump(made);
}

}  // namespace

sim::run_report read_report(const std::string& bytes) {
  const json from = json::parse(bytes);
  sim::run_report seen;
  if (from.contains("verdict")) seen.verdict = read_verdict(from["verdict"]);
  seen.hash = from["hash"];
  seen.steps = from["steps"];
  seen.draws = from["draws"];
  seen.length = duration(from["length"].get<std::int64_t>());
  seen.availability_ppm = from["availability"];
  seen.detections = durations(from["detections"]);
  seen.recoveries = durations(from["recoveries"]);
  seen.restarts = from["restarts"];
  seen.alerts = from["alerts"];
  for (const auto& one : from["oracles"]) {
    seen.oracles.push_back({one[0].get<int>(), one[1].get<std::string>(), one[2].get<std::uint64_t>()});
  }
  for (const auto& one : from["faults"]) {
    seen.faults.push_back({static_cast<sim::fault_kind>(one[0].get<int>()), one[1].get<std::uint64_t>()});
  }
  return seen;
}

void run_job(const sim_job& job, worker_output& to) {
  sim::run_options options = job.options;
  options.keep_timeline = job.picture;
  options.more_oracles = [&](sim::judge& over) {
    over.add(std::make_unique<watcher>(over.context().history, options.length, to));
  };
  sim::tape drawn;
  drawn.options = job.how;
  std::unique_ptr<sim::choice_driver> driver;
  if (job.replayed != nullptr) {
    driver = std::make_unique<sim::tape_driver>(*job.replayed);
  } else {
    driver = std::make_unique<sim::seed_driver>(job.seed);
  }
  sim::run_report seen = run_cluster(options, *driver, job.record ? &drawn : nullptr);
  if (job.record) to.send(part::tape, drawn.to_text());
  if (seen.picture) {
    seen.picture->title = job.title;
    seen.picture->seed = std::to_string(job.seed);
    to.send(part::picture, sim::render_timeline(*seen.picture));
  }
  to.send(part::report, write_report(seen));
}

void shrink_job(const sim::run_options& options, const sim::tape& failing, int oracle, const sim_options& how,
                worker_output& to) {
  real_clock::time_point sent{};
  const auto send = [&](const sim::shrunk_tape& least) {
    sim_options shorter = how;
    shorter.length = least.length;
    sim::tape made = least.tape;
    made.options = to_text(shorter);
    to.send(part::shrunk, dump({{"tape", made.to_text()},
                                {"choices", made.weight()},
                                {"runs", least.runs},
                                {"verdict", written(*least.verdict)}}));
    sent = real_clock::now();
  };
  sim::shrink_limits limits;
  limits.progress = [&](const sim::shrunk_tape& least) {
    to.send(part::progress, fmt::format("shrinking: {} runs, {} choices left", least.runs, least.tape.weight()));
    if (real_clock::now() - sent > shrunk_interval) send(least);
  };
  const sim::shrunk_tape least = sim::shrink(options, failing, oracle, limits);
  if (least.verdict) send(least);
}

shrunk_part read_shrunk(const std::string& bytes) {
  const json from = json::parse(bytes);
  shrunk_part made;
  made.tape = from["tape"];
  made.choices = from["choices"];
  made.runs = from["runs"];
  made.verdict = read_verdict(from["verdict"]);
  return made;
}

}  // namespace hale::cli
