#include "hale/sim/oracle/restart_oracles.hpp"

#include <algorithm>
#include <csignal>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hale/base/text.hpp"

namespace hale::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Between the last look around and the process that is spawned all the same.
constexpr duration spawn_latency = milliseconds(10);
// A command is carried out as soon as the supervisor runs.
constexpr duration command_latency = seconds(15);

/// Two per cent less: a machine's clock may be one per cent fast.
constexpr duration by_any_clock(duration wait) { return wait / 100 * 98; }

/// What those of this file have in common.
class start_oracle : public oracle {
 public:
  start_oracle(const judge& of, int number, std::string_view name, std::string_view promise) noexcept
      : oracle(number, name, promise), context_(of.context()) {}

 protected:
  instant now() const noexcept { return context_.history.now(); }
  const chronicle& history() const noexcept { return context_.history; }
  machine& place() const noexcept { return context_.play.place(); }
  const cluster_spec& cluster() const noexcept { return context_.play.spec(); }
  /// Of the instance it leads; null for probes, helpers and strangers.
  const instance_record* led_by(const simulated_process& which) const {
    return which.is_leader() ? history().find(which.instance()) : nullptr;
  }

 private:
  const oracle_context context_;
};

// --- 3, 12: when, and how often -------------------------------------------------------------------------------------

/// Counts attempts as behaviour §6 does: each bad end is one; they count from the beginning again after reset_after of
/// healthy time, and when a person has stepped in. Where that leaves a doubt, the later and the fewer.
class attempt_oracle : public start_oracle {
 public:
  using start_oracle::start_oracle;

  void on_spawn(const simulated_process& which) override {
    if (led_by(which) != nullptr) take_attempt(which.instance());
  }
  void on_spawn_failed(std::string_view instance) override {
    if (history().find(instance) == nullptr) return;
    take_attempt(instance);
    end(track_of(instance));
  }
  void on_exit(const simulated_process& which) override {
    if (led_by(which) != nullptr) end(track_of(which.instance()));
  }

  void on_event(const event& what) noexcept override {
    if (history().find(what.instance) == nullptr) return;
    track& one = track_of(what.instance);
    if (what.kind == event_kind::action && what.cause == cause::operator_request) one.by_hand = now();
    if (what.kind == event_kind::state) {
      // Nobody but a person starts what rests.
      if (what.from == "held" || what.from == "stopped" || what.from == "finished") one.by_hand = now();
      if (what.from == "serving") feel(one, false);
      if (what.to == "serving") feel(one, true);
    }
    const bool of_another = what.cause == cause::dependency_lost;
    if (what.kind == event_kind::health && !of_another) feel(one, what.to == "healthy");
  }

  void on_fault(const injected_fault& what) override {
    if (what.kind == fault_kind::crash_supervisor) tracks_.clear();
    note_person(what);
  }
  void on_fault_over(const injected_fault& what) override { note_person(what); }

 protected:
  struct track {
    std::uint32_t attempts = 0;  ///< that the next spawn is at least
    bool fresh = true;           ///< nothing bad has come before the next spawn, or it does not count any more
    instant ended{};             ///< the newest bad end
    std::optional<instant> by_hand;  ///< a person has stepped in, and no spawn has come long after that
    std::optional<instant> well_since;
    duration longest_well{};     ///< of this incarnation, as told
  };

  /// A process is spawned, or was about to be.
  virtual void on_attempt(std::string_view instance, const instance_record& record, const track& one) = 0;

 private:
  track& track_of(std::string_view instance) {
    const auto found = tracks_.find(instance);
    return found != tracks_.end() ? found->second : tracks_[std::string(instance)];
  }

  void end(track& one) {
    ++one.attempts;
    one.fresh = false;
    one.ended = now();
  }

  void take_attempt(std::string_view instance) {
    const instance_record& record = *history().find(instance);
    track& one = track_of(instance);
    feel(one, false);
    const bool was_stable = one.longest_well >= by_any_clock(record.service->restart.reset_after);
    if (one.by_hand || was_stable) {
      one.attempts = one.by_hand ? 0 : 1;
      one.fresh = true;
    }
    on_attempt(instance, record, one);
    one.fresh = true;
    one.longest_well = duration::zero();
    if (one.by_hand && now() - *one.by_hand > command_latency) one.by_hand.reset();
  }

  void feel(track& one, bool well) {
    if (!well && one.well_since) one.longest_well = std::max(one.longest_well, now() - *one.well_since);
    if (!well) one.well_since.reset();
    if (well && !one.well_since) one.well_since = now();
  }

  void note_person(const injected_fault& what) {
    const bool by_person = what.kind == fault_kind::restart_command || what.kind == fault_kind::stop_command;
    if (by_person) track_of(what.instance).by_hand = now();
  }

  std::map<std::string, track, std::less<>> tracks_;
};

class backoff final : public attempt_oracle {
 public:
  explicit backoff(const judge& of)
      : attempt_oracle(of, 3, "backoff", "restart n does not come before the end and backoff n, jitter included") {}

 private:
  void on_attempt(std::string_view instance, const instance_record& record, const track& one) override {
    if (one.fresh) return;
    premise();
    const duration wait = least_wait(record.service->restart, one.attempts);
    if (now() - one.ended >= by_any_clock(wait)) return;
    violated(fmt::format("{} is started {} after its end, attempt {} not before {}", instance,
                         format_duration(now() - one.ended), one.attempts, format_duration(wait)));
  }

  static duration least_wait(const restart_spec& restart, std::uint32_t attempt) {
    const backoff_policy& policy = restart.backoff;
    const std::uint32_t doublings = std::min(attempt, std::max<std::uint32_t>(restart.attempts, 1)) - 1;
    duration wait = std::min(policy.base, policy.cap);
    for (std::uint32_t n = 0; n < doublings && wait < policy.cap; ++n) wait = std::min(2 * wait, policy.cap);
    wait -= wait / 1000 * policy.jitter_permille;
    // Attempts used up: it is the slow interval that counts, however short.
    return attempt > restart.attempts ? std::min(wait, restart.cool) : wait;
  }
};

class restart_budget final : public attempt_oracle {
 public:
  explicit restart_budget(const judge& of)
      : attempt_oracle(of, 12, "restart_budget", "no more spawns than attempts within the slow interval") {}

 private:
  void on_attempt(std::string_view instance, const instance_record& record, const track& one) override {
    const restart_spec& restart = record.service->restart;
    std::deque<instant>& spawns = spawns_[std::string(instance)];
    if (one.fresh) spawns.clear();
    const bool gives_up = restart.cool == duration::zero();
    while (!gives_up && !spawns.empty() && now() - spawns.front() >= by_any_clock(restart.cool)) spawns.pop_front();
    spawns.push_back(now());
    if (spawns.size() > 1) premise();
    if (spawns.size() <= restart.attempts + 2) return;
    violated(fmt::format("{} is started for the {}th time within {}, attempts are {}", instance, spawns.size(),
                         format_duration(now() - spawns.front()), restart.attempts));
  }

  std::map<std::string, std::deque<instant>, std::less<>> spawns_;  ///< within the slow interval, since it was well
};

// --- 8: gently first ------------------------------------------------------------------------------------------------

class term_before_kill final : public start_oracle {
 public:
  explicit term_before_kill(const judge& of)
      : start_oracle(of, 8, "term_before_kill", "SIGKILL comes only after the stop signal and its timeout") {}

  void on_signal(const simulated_process& to, const sent_signal& what) override {
    const instance_record* const record = led_by(to);
    if (record == nullptr || what.from != signal_sender::supervisor || !to.alive()) return;
    const stop_spec& how = record->service->stop;
    if (what.number == how.signal) asked_at_.emplace(to.serial(), now());
    if (what.number != SIGKILL || how.signal == SIGKILL) return;
    premise();
    const auto asked = asked_at_.find(to.serial());
    if (asked == asked_at_.end()) {
      violated(fmt::format("{} is killed, and was not asked to stop", to.instance()));
    } else if (now() - asked->second < by_any_clock(how.timeout)) {
      violated(fmt::format("{} is killed {} after it was asked to stop, its timeout is {}", to.instance(),
                           format_duration(now() - asked->second), format_duration(how.timeout)));
    }
  }
  void on_exit(const simulated_process& which) override { asked_at_.erase(which.serial()); }

 private:
  std::map<std::uint64_t, instant> asked_at_;  ///< by serial
};

// --- 15: order ------------------------------------------------------------------------------------------------------

class dependency_order final : public start_oracle {
 public:
  explicit dependency_order(const judge& of)
      : start_oracle(of, 15, "dependency_order", "what others depend on is there before them, and goes after them") {}

  void on_spawn(const simulated_process& which) override {
    const instance_record* const record = led_by(which);
    if (record == nullptr) return;
    for (const std::string& other : record->service->needs) {
      premise();
      if (!some_of(other, [&](const auto& name, const auto& one) { return serves(name, one); })) {
        violated(fmt::format("{} is spawned, and nothing of {} serves", which.instance(), other));
      }
    }
    for (const std::string& other : record->service->after) {
      premise();
      if (some_of(other, [&](const auto& name, const auto& one) { return !had_its_turn(name, one); })) {
        violated(fmt::format("{} is spawned, and not all of {} had its turn", which.instance(), other));
      }
    }
  }
  void on_spawn_failed(std::string_view instance) override { tried_.emplace(instance); }

  void on_event(const event& what) noexcept override {
    if (what.kind == event_kind::state && what.from == "serving") left_serving_[what.instance] = now();
    if (what.kind == event_kind::state && (what.to == "held" || what.to == "foreign")) tried_.insert(what.instance);
    if (what.kind == event_kind::supervisor && what.to == "stopping") stopping_ = true;
    if (what.kind == event_kind::action && what.action == "stop" && stopping_) told_to_stop_.insert(what.instance);
  }
  void on_fault(const injected_fault& what) override {
    if (what.kind == fault_kind::crash_supervisor) crashed_ = true;
  }

  void on_signal(const simulated_process& to, const sent_signal& what) override {
    const instance_record* const record = led_by(to);
    const bool counts = record != nullptr && what.from == signal_sender::supervisor && to.alive();
    if (!counts || crashed_ || !told_to_stop_.contains(to.instance())) return;
    for (const service_spec& other : cluster().services) {
      if (!depends(other, record->service->name)) continue;
      premise();
      if (const simulated_process* const living = some_process_of(other.name)) {
        violated(fmt::format("{} is told to stop while pid {} of {} lives", to.instance(), living->pid(),
                             living->instance()));
      }
    }
  }

 private:
  // As far as a supervisor can know: it may be stopped for ten seconds, and a zombie be found five seconds late.
  static constexpr duration longest_unnoticed = seconds(20);

  template <class Test>
  bool some_of(std::string_view service, Test test) const {
    const auto& all = history().instances();
    return std::any_of(all.begin(), all.end(), [&](const auto& one) {
      return one.second.service->name == service && test(one.first, one.second);
    });
  }
  bool serves(const std::string& name, const instance_record& one) const {
    const auto left = left_serving_.find(name);
    const bool just_left = left != left_serving_.end() && now() - left->second <= spawn_latency;
    const bool told = one.state == instance_state::serving || just_left;
    return told && (one.alive || now() - one.died <= longest_unnoticed);
  }
  bool had_its_turn(const std::string& name, const instance_record& one) const {
    return one.serial != 0 || tried_.contains(name);
  }
  static bool depends(const service_spec& service, std::string_view on) {
    const auto named = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), on) != list.end();
    };
    return named(service.needs) || named(service.after);
  }
  const simulated_process* some_process_of(std::string_view service) const {
    for (const auto& [pid, one] : place().processes()) {
      const instance_record* const of = history().find(one->instance());
      if (one->alive() && !one->stuck() && of != nullptr && of->service->name == service) return one.get();
    }
    return nullptr;
  }

  std::map<std::string, instant, std::less<>> left_serving_;
  std::set<std::string, std::less<>> tried_;  ///< without a process, but they had their turn
  std::set<std::string, std::less<>> told_to_stop_;  ///< since the supervisor is stopping
  bool stopping_ = false;
  bool crashed_ = false;  ///< what lives may be nobody's
};

}  // namespace

void add_restart_oracles(judge& to) {
  to.add(std::make_unique<backoff>(to));
  to.add(std::make_unique<restart_budget>(to));
  to.add(std::make_unique<term_before_kill>(to));
  to.add(std::make_unique<dependency_order>(to));
}

}  // namespace hale::sim
