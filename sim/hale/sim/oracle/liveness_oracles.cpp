#include "hale/sim/oracle/liveness_oracles.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "hale/base/text.hpp"
#include "hale/sim/oracle/bounds.hpp"

namespace hale::sim {
namespace {

using std::chrono::seconds;

constexpr duration tick = seconds(5);

/// Whether a person, a dependency or the start queue has to move before this one can.
bool in_nobodys_hands(const oracle_context& of, const instance_record& one) {
  for (const auto& [name, other] : of.history.instances()) {
    const auto& needs = one.service->needs;
    const bool needed = std::find(needs.begin(), needs.end(), other.service->name) != needs.end();
    if (needed && other.state != instance_state::serving) return false;
  }
  if (one.state == instance_state::starting) return true;
  const auto& all = of.history.instances();
  const auto starts = [](const auto& entry) { return entry.second.state == instance_state::starting; };
  const auto starting = std::count_if(all.begin(), all.end(), starts);
  return static_cast<std::uint32_t>(starting) < of.play.spec().start_concurrency;
}

/// Time that counts against the supervisor, instance by instance: it runs while nothing else is to blame.
class owed_time {
 public:
  duration charge(const std::string& name) { return owed_[name] += tick; }
  void clear(const std::string& name) { owed_.erase(name); }

 private:
  std::map<std::string, duration> owed_;
};

bool is_escalated(instance_state state) {
  switch (state) {
    case instance_state::cooling:
    case instance_state::held:
    case instance_state::foreign:
    case instance_state::stopped:
    case instance_state::finished: return true;
    default: return false;
  }
}

// --- 18 -------------------------------------------------------------------------------------------------------------

class recovers final : public oracle {
 public:
  explicit recovers(const oracle_context& of)
      : oracle(18, "recovers", "what is down serves again or is given up with an alert, in bounded time"),
        context_(of) {}

  void on_phase(run_phase phase) override { stopping_ = phase == run_phase::end || phase == run_phase::over; }
  void on_tick() override {
    if (stopping_) return;
    for (const auto& [name, one] : context_.history.instances()) {
      const bool well = one.state == instance_state::serving || is_escalated(one.state);
      const bool excused = context_.history.undisturbed_for(one) < tick;
      if (well || excused) {
        owed_.clear(name);
        continue;
      }
      if (!in_nobodys_hands(context_, one)) continue;
      premise();
      const duration bound = recovery_bound(context_.play.spec(), *one.service);
      if (owed_.charge(name) > bound) {
        violated(fmt::format("{} is {} and has been on its way for more than {}", name, to_string(one.state),
                             format_duration(bound)));
      }
    }
  }

 private:
  oracle_context context_;
  owed_time owed_;
  bool stopping_ = false;
};

// --- 19, 20 ---------------------------------------------------------------------------------------------------------

/// An illness that some evidence shows is noticed within a bound.
class illness_noticed : public oracle {
 public:
  illness_noticed(int number, std::string_view name, std::string_view promise, const oracle_context& of)
      : oracle(number, name, promise), context_(of) {}

  void on_phase(run_phase phase) override { stopping_ = phase == run_phase::end || phase == run_phase::over; }
  void on_tick() override {
    if (stopping_) return;
    for (const auto& [name, one] : context_.history.instances()) {
      const bool serves = one.state == instance_state::serving;
      // What troubles the supervisor itself, or the way to the server, gives everybody a fresh interval.
      const bool excused = context_.history.machine_disturbed() || one.faults_active > 1;
      if (!serves || excused || !is_ill(name, one)) {
        owed_.clear(name);
        continue;
      }
      if (!siblings_serve(one)) continue;  // verdicts take down one after the other
      premise();
      if (owed_.charge(name) > bound(one)) {
        violated(fmt::format("{} has been ill for {} and nobody noticed", name, format_duration(bound(one))));
      }
    }
  }

 protected:
  virtual bool is_ill(const std::string& name, const instance_record& one) const = 0;
  virtual duration bound(const instance_record& one) const = 0;
  const oracle_context& context() const noexcept { return context_; }

 private:
  bool siblings_serve(const instance_record& one) const {
    const auto& all = context_.history.instances();
    return std::all_of(all.begin(), all.end(), [&](const auto& entry) {
      return entry.second.service != one.service || entry.second.state == instance_state::serving;
    });
  }

  oracle_context context_;
  owed_time owed_;
  bool stopping_ = false;
};

class hung_noticed final : public illness_noticed {
 public:
  explicit hung_noticed(const oracle_context& of)
      : illness_noticed(19, "hung_noticed", "a server that accepts and does not answer is found out in time", of) {}

 private:
  bool is_ill(const std::string& name, const instance_record& one) const override {
    const bool asked = one.service->health && one.service->health->type == probe_spec::kind::http;
    if (!asked && !one.service->heartbeat) return false;
    const simulated_process* const leader = context().play.place().find_leader(name);
    if (leader == nullptr) return false;
    return leader->stopped() || leader->stuck() || context().play.actors().find(name)->condition.hung;
  }
  duration bound(const instance_record& one) const override {
    const auto siblings = static_cast<std::int64_t>(one.service->instances.size());
    return siblings * detection_bound(*one.service) + 2 * tick;
  }
};

class grey_noticed final : public illness_noticed {
 public:
  explicit grey_noticed(const oracle_context& of)
      : illness_noticed(20, "grey_noticed", "a server that looks well and fails its requests is found out in time",
                        of) {}

 private:
  bool is_ill(const std::string& name, const instance_record& one) const override {
    const bool reported = context().play.with_traffic() && one.service->instances[one.index].port != 0;
    return reported && context().play.actors().find(name)->condition.grey;
  }
  duration bound(const instance_record& one) const override {
    const auto siblings = static_cast<std::int64_t>(one.service->instances.size());
    return siblings * (seconds(150) + detection_bound(*one.service));
  }
};

// --- 27 -------------------------------------------------------------------------------------------------------------

class quiet_after_healing final : public oracle {
 public:
  explicit quiet_after_healing(const oracle_context& of)
      : oracle(27, "quiet", "once the core serves, nothing is done to it any more"), context_(of) {}

  void on_phase(run_phase phase) override {
    quiet_ = phase == run_phase::quiet;
    if (quiet_) premise();
  }
  void on_event(const event& what) noexcept override {
    if (!quiet_ || !context_.core.contains(what.instance)) return;
    // What clients reported before they left stands until they come back; such a verdict may be late.
    const bool by_report = what.kind == event_kind::action && what.cause == cause::high_error_rate;
    if (by_report) by_report_.insert(what.instance);
    if (by_report_.contains(what.instance)) return;
    const bool is_deed = what.kind == event_kind::action || what.kind == event_kind::alert ||
                         what.kind == event_kind::spawn || what.kind == event_kind::exit;
    if (is_deed) violated(fmt::format("{} of {} in the quiet: {}", to_string(what.kind), what.instance, what.reason));
  }

 private:
  oracle_context context_;
  bool quiet_ = false;
  std::set<std::string, std::less<>> by_report_;
};

/// A promise that the run itself looks after when it enters a phase.
class kept_by_run final : public oracle {
 public:
  kept_by_run(int number, std::string_view name, std::string_view promise, run_phase phase)
      : oracle(number, name, promise), phase_(phase) {}
  void on_phase(run_phase phase) override {
    if (phase == phase_) premise();
  }

 private:
  run_phase phase_;
};

}  // namespace

void add_liveness_oracles(judge& to) {
  const oracle_context& of = to.context();
  to.add(std::make_unique<recovers>(of));
  to.add(std::make_unique<hung_noticed>(of));
  to.add(std::make_unique<grey_noticed>(of));
  to.add(std::make_unique<kept_by_run>(21, "convergence", "what has been put right serves, whatever else stays broken",
                                       run_phase::heal));
  to.add(std::make_unique<kept_by_run>(23, "shutdown_bounded", "stopping ends in bounded time", run_phase::end));
  to.add(std::make_unique<kept_by_run>(24, "progress", "time moves on: no deadlock, no livelock", run_phase::chaos));
  to.add(std::make_unique<quiet_after_healing>(of));
}

}  // namespace hale::sim
