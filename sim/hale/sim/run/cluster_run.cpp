#include "hale/sim/run/cluster_run.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "hale/base/text.hpp"
#include "hale/sim/oracle/all_oracles.hpp"
#include "hale/sim/oracle/bounds.hpp"
#include "hale/sim/run/timeline_recorder.hpp"

namespace hale::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr duration tick = seconds(5);

/// What is drawn once for a run, before anything happens.
stage_options draw_stage(choices& chance, const run_options& options) {
  stage_options drawn;
  drawn.steps.pick_window = chance.below(2, "swarm.pick") == 1 ? 4 : 1;
  drawn.steps.step_cost = std::chrono::microseconds(chance.below(3, "swarm.step_cost"));
  // Half of all runs have a true clock; the others are up to one per cent fast or slow.
  const std::uint64_t drift = chance.below(40'002, "swarm.drift");
  if (drift > 20'001) drawn.machine.clock.drift_ppm = static_cast<std::int64_t>(drift - 20'001) - 10'000;
  drawn.reuse_port = chance.below(4, "swarm.reuse_port") == 3;
  drawn.with_traffic = options.traffic ? *options.traffic : chance.below(2, "swarm.traffic") == 1;
  if (options.adjust) options.adjust(drawn);
  return drawn;
}

fault_plan plan_for(choices& chance, const run_options& options) {
  if (!options.faults) return draw_plan(chance, default_faults());
  fault_plan plan;
  for (const fault_kind kind : *options.faults) plan.push_back(planned_fault{kind, describe(kind).per_minute});
  return plan;
}

class runner {
 public:
  runner(const run_options& options, choice_driver& driver, tape* record)
      : options_(options), chance_(driver, record), stage_options_(draw_stage(chance_, options)),
        plan_(plan_for(chance_, options)), play_(chance_, trace_, options.spec, stage_options_),
        history_(play_), faults_(play_, plan_), judge_(oracle_context{play_, faults_, history_, core_}) {
    if (options.keep_steps != nullptr) trace_.keep_every_step();
    if (options.check_against != nullptr) trace_.check_against(*options.check_against);
    faults_.observe(history_);
    if (options.keep_timeline) picture_ = std::make_unique<timeline_recorder>(play_, faults_);
    if (options.with_oracles) add_all_oracles(judge_);
    if (options.more_oracles) options.more_oracles(judge_);
  }

  run_report run() {
    warm_up();
    const instant chaos_from = play_.time().now();
    const duration up_before = history_.up_time();
    if (!over()) chaos();
    if (!over()) heal();
    if (!over()) quiet();
    report_.availability_ppm = history_.availability_ppm(chaos_from, up_before);
    if (!over()) end();
    enter(run_phase::over);
    return finish();
  }

 private:
  bool over() const { return judge_.verdict().has_value(); }

  void enter(run_phase phase) {
    judge_.enter(phase);
    if (picture_ != nullptr) picture_->enter(phase);
  }

  /// Lets time pass until `until`, or until `done` says so at a tick. False when neither came about.
  bool advance(instant until, const std::function<bool()>& done = nullptr) {
    while (!over()) {
      if (done && done()) return true;
      if (play_.time().now() >= until) return !done;
      const instant next = std::min(until, play_.time().now() + tick);
      const run_end how = play_.time().run_until(next);
      if (how == run_end::livelock) judge_.condemn(24, "progress", "time stands still: a livelock");
      history_.look();
      if (!over()) judge_.tick();
    }
    return false;
  }

  bool all_serve() const {
    return std::all_of(history_.instances().begin(), history_.instances().end(),
                       [](const auto& one) { return one.second.state == instance_state::serving; });
  }
  bool core_serves() const {
    return std::all_of(core_.begin(), core_.end(), [&](const std::string& name) { return history_.find(name)->up; });
  }

  void warm_up() {
    enter(run_phase::warm);
    play_.raise();
    const duration bound = convergence_bound(options_.spec);
    if (!advance(instant(bound), [&] { return all_serve(); }) && !over()) {
      judge_.condemn(25, "no_false_positive", "without any fault, not all came up");
    }
  }

  void chaos() {
    enter(run_phase::chaos);
    faults_.start();
    if (options_.scenario) {
      play_.time().add_node("scenario", &play_.place().clock()).start(options_.scenario(play_, faults_));
    }
    advance(instant(options_.length / 100 * options_.quiet_after_percent));
  }

  /// A core is put right; whatever else is broken stays so (TigerBeetle's liveness mode): healing everything would hide
  /// what only works when everybody is well.
  void heal() {
    for (const auto& [name, one] : history_.instances()) {
      if (chance_.below(4, "core") < 3) core_.insert(name);
    }
    if (core_.empty()) core_.insert(history_.instances().begin()->first);
    for (const auto& [name, one] : history_.instances()) add_needed(name);
    enter(run_phase::heal);
    faults_.heal(core_);
    play_.dismiss_people();
    advance(play_.time().now() + seconds(20));
    start_held();
    const duration bound = convergence_bound(options_.spec);
    if (!advance(play_.time().now() + bound, [&] { return core_serves(); }) && !over()) {
      judge_.condemn(21, "convergence", fmt::format("{} after everything that concerns it was put right: {}",
                                                    format_duration(bound), who_does_not_serve()));
    }
  }

  /// What a member of the core needs is in it, too.
  void add_needed(const std::string& name) {
    if (!core_.contains(name)) return;
    for (const std::string& other : history_.find(name)->service->needs) {
      for (const auto& [candidate, one] : history_.instances()) {
        if (one.service->name != other || core_.contains(candidate)) continue;
        core_.insert(candidate);
        add_needed(candidate);
      }
    }
  }

  /// A person starts what the supervisor has given up on, as far as it is in the core.
  void start_held() {
    for (const std::string& name : core_) {
      const instance_state state = play_.state_of(name);
      const bool needs_a_person = state == instance_state::held || state == instance_state::stopped ||
                                  state == instance_state::finished || state == instance_state::stopping;
      if (!needs_a_person) continue;
      play_.tell_supervisor([name](hale::supervisor& cluster) -> task<void> {
        auto starting = cluster.start(name, false);
        co_await std::move(starting);
      });
    }
  }

  std::string who_does_not_serve() const {
    std::string names;
    for (const std::string& name : core_) {
      if (history_.find(name)->up) continue;
      names += fmt::format("{}{} is {}", names.empty() ? "" : ", ", name, to_string(history_.find(name)->state));
    }
    return names;
  }

  void quiet() {
    enter(run_phase::quiet);
    advance(std::max(instant(options_.length), play_.time().now() + quiet_time(options_.spec)));
  }

  void end() {
    enter(run_phase::end);
    faults_.heal_all();
    advance(play_.time().now() + seconds(1));
    play_.request_stop("the run is over");
    const duration bound = shutdown_bound(options_.spec);
    if (!advance(play_.time().now() + bound, [&] { return play_.supervisor_done(); }) && !over()) {
      judge_.condemn(23, "shutdown_bounded", fmt::format("it did not stop within {}", format_duration(bound)));
    }
  }

  run_report finish() {
    report_.verdict = judge_.verdict();
    report_.hash = trace_.hash();
    report_.steps = trace_.steps();
    report_.draws = chance_.draws();
    report_.length = play_.time().now().time_since_epoch();
    report_.detections = history_.detections();
    report_.recoveries = history_.recoveries();
    report_.restarts = history_.restarts();
    report_.alerts = history_.alerts();
    report_.first_difference = trace_.first_difference();
    for (const auto& one : judge_.oracles()) {
      report_.oracles.push_back(oracle_count{one->number(), std::string(one->name()), one->premises()});
    }
    std::sort(report_.oracles.begin(), report_.oracles.end(),
              [](const oracle_count& a, const oracle_count& b) { return a.number < b.number; });
    for (const fault_description& known : fault_catalogue()) {
      const std::uint64_t count = faults_.counts()[static_cast<std::size_t>(known.kind)];
      if (count > 0) report_.faults.push_back(fault_count{known.kind, count});
    }
    if (picture_ != nullptr) report_.picture = picture_->finish(report_.verdict, report_.hash);
    if (options_.keep_steps != nullptr) *options_.keep_steps = trace_;
    return std::move(report_);
  }

  const run_options& options_;
  choices chance_;
  trace trace_;
  stage_options stage_options_;
  fault_plan plan_;
  std::set<std::string, std::less<>> core_;
  stage play_;
  chronicle history_;
  injector faults_;
  judge judge_;
  std::unique_ptr<timeline_recorder> picture_;
  run_report report_;
};

}  // namespace

run_report run_cluster(const run_options& options, choice_driver& driver, tape* record) {
  runner running(options, driver, record);
  return running.run();
}

}  // namespace hale::sim
