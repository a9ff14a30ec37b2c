#include "hale/sim/oracle/process_oracles.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "hale/base/text.hpp"

namespace hale::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view probe_suffix = "/probe";
// Between the last look at a port, or a command, and the process that is spawned all the same.
constexpr duration spawn_latency = milliseconds(10);
// The supervisor is asked to stop one second after phase end began.
constexpr duration request_delay = seconds(1) + milliseconds(100);
constexpr duration kill_patience = seconds(30);
constexpr duration notice_slack = seconds(10);

std::string named(const simulated_process& which) {
  return fmt::format("pid {} of {} (incarnation {})", which.pid(), which.instance(), which.incarnation());
}

/// What those of this file have in common: which processes the supervisor answers for.
class process_oracle : public oracle {
 public:
  process_oracle(const judge& of, int number, std::string_view name, std::string_view promise) noexcept
      : oracle(number, name, promise), context_(of.context()) {}

  void on_fault(const injected_fault& what) override {
    if (what.kind != fault_kind::crash_supervisor) return;
    orphans_.clear();
    for (const auto& [pid, one] : context_.play.place().processes()) {
      if (one->alive() && !one->instance().empty()) orphans_.push_back(one->tree());
    }
    forget();
  }
  void on_fault_over(const injected_fault& what) override {
    if (what.kind == fault_kind::stop_supervisor) awake_since_ = now();
  }

 protected:
  instant now() const noexcept { return context_.history.now(); }
  chronicle const& history() const noexcept { return context_.history; }
  machine& place() const noexcept { return context_.play.place(); }
  const cluster_spec& cluster() const noexcept { return context_.play.spec(); }

  bool supervisor_runs() const {
    seat* const chair = context_.play.seat();
    return chair != nullptr && !chair->runs_on().stopped();
  }
  /// When it was last let go on after it had been stopped.
  instant awake_since() const noexcept { return awake_since_; }

  const instance_record* record_of(const simulated_process& which) const { return history().find(which.instance()); }
  /// A process of an instance, or of one of its probes, that the present supervisor has started.
  bool ours(const simulated_process& which) const {
    std::string_view name = which.instance();
    if (name.ends_with(probe_suffix)) name.remove_suffix(probe_suffix.size());
    return history().find(name) != nullptr && !orphan(which);
  }
  bool leads(const simulated_process& which) const {
    return which.is_leader() && record_of(which) != nullptr && !orphan(which);
  }

 private:
  virtual void forget() {}
  bool orphan(const simulated_process& which) const {
    return std::find(orphans_.begin(), orphans_.end(), which.tree()) != orphans_.end();
  }

  const oracle_context context_;
  std::vector<std::shared_ptr<process_tree>> orphans_;
  instant awake_since_{};
};

// --- 1, 2: one generation at a time ---------------------------------------------------------------------------------

class one_listener final : public process_oracle {
 public:
  explicit one_listener(const judge& of)
      : process_oracle(of, 1, "one_listener", "no two incarnations of an instance listen on one port") {}

  void on_listen(const simulated_process& which, std::uint16_t port) override {
    if (record_of(which) == nullptr) return;
    for (const auto& [pid, other] : place().processes()) {
      if (!other->alive() || other->instance() != which.instance() || other->tree() == which.tree()) continue;
      if (!other->ports().contains(port)) continue;
      violated(fmt::format("{} listens on port {}, where {} still does", named(which), port, named(*other)));
    }
    if (which.incarnation() > 1) premise();
  }
};

class one_generation final : public process_oracle {
 public:
  explicit one_generation(const judge& of)
      : process_oracle(of, 2, "one_generation", "nothing of an earlier incarnation lives when the next is spawned") {}

  void on_spawn(const simulated_process& which) override {
    if (!leads(which)) return;
    for (const auto& [pid, other] : place().processes()) {
      const bool earlier = other->alive() && other->instance() == which.instance() && other->tree() != which.tree();
      if (earlier && ours(*other)) violated(fmt::format("{} is spawned while {} lives", named(which), named(*other)));
    }
    if (which.incarnation() > 1) premise();
  }
};

// --- 4, 5: each process is its own, to its end ----------------------------------------------------------------------

class own_signals final : public process_oracle {
 public:
  explicit own_signals(const judge& of)
      : process_oracle(of, 4, "own_signals", "the supervisor signals nobody but what it has started") {}

  void on_signal(const simulated_process& to, const sent_signal& what) override {
    if (what.from != signal_sender::supervisor) return;
    premise();
    if (ours(to)) return;
    const std::string whose = to.instance().empty() ? "a stranger" : "nobody's any more";
    violated(fmt::format("signal {} is sent to pid {}, which is {}", what.number, to.pid(), whose));
  }
};

class reaped_once final : public process_oracle {
 public:
  explicit reaped_once(const judge& of)
      : process_oracle(of, 5, "reaped_once", "every process is reaped once, and every end of a leader is told once") {}

  void on_spawn(const simulated_process& which) override {
    ++unreaped_[which.serial()];
    if (!leads(which)) return;
    leader made;
    made.serial = which.serial();
    leaders_[key_of(which)] = made;
  }

  void on_signal(const simulated_process& to, const sent_signal& what) override {
    const auto found = leaders_.find(key_of(to));
    const bool counts = found != leaders_.end() && found->second.serial == to.serial();
    if (counts && what.from == signal_sender::supervisor) found->second.signalled = true;
  }

  void on_exit(const simulated_process& which) override {
    const auto found = leaders_.find(key_of(which));
    if (found == leaders_.end() || found->second.serial != which.serial()) return;
    found->second.died = now();
    if (found->second.told) leaders_.erase(found);
  }

  void on_reaped(const simulated_process& which) override {
    if (unreaped_.erase(which.serial()) != 1) violated(fmt::format("{} is reaped twice", named(which)));
    if (which.alive()) violated(fmt::format("{} is reaped while it lives", named(which)));
  }

  void on_event(const event& what) noexcept override {
    if (what.kind != event_kind::exit) return;
    premise();
    const auto found = leaders_.find({what.instance, what.incarnation.value()});
    if (found == leaders_.end() || found->second.told) {
      violated(fmt::format("an exit of incarnation {} of {} is told that nothing had, or a second time",
                           what.incarnation.value(), what.instance));
    } else if (found->second.died) {
      leaders_.erase(found);
    } else {
      found->second.told = true;  // given up on: it is stuck in the kernel, and survives SIGKILL
      const simulated_process* const leader = find(found->second.serial);
      if (leader == nullptr || !leader->stuck()) {
        violated(fmt::format("an exit of incarnation {} of {} is told, and it lives", what.incarnation.value(),
                             what.instance));
      }
    }
  }

  void on_tick() override {
    if (!supervisor_runs()) return;
    for (const auto& [key, one] : leaders_) judge_silence(key, one);
  }

  void on_phase(run_phase phase) override {
    if (phase != run_phase::over) return;
    for (const auto& [key, one] : leaders_) {
      if (one.died && !one.told) {
        violated(fmt::format("the end of incarnation {} of {} was never told", key.second, key.first));
      }
    }
  }

 private:
  using incarnation_key = std::pair<std::string, std::uint64_t>;
  struct leader {
    std::uint64_t serial = 0;
    std::optional<instant> died;
    bool signalled = false;  ///< by the supervisor
    bool told = false;
  };

  static incarnation_key key_of(const simulated_process& which) { return {which.instance(), which.incarnation()}; }

  void forget() override { leaders_.clear(); }

  const simulated_process* find(std::uint64_t serial) const {
    for (const auto& [pid, one] : place().processes()) {
      if (one->serial() == serial) return one.get();
    }
    return nullptr;
  }

  void judge_silence(const incarnation_key& key, const leader& one) {
    if (!one.died || one.told) return;
    // What ends by itself is told at once; what was stopped, when its tree is gone.
    const instance_record& record = *history().find(key.first);
    const bool was_stopped = one.signalled || record.state == instance_state::stopping;
    const duration stopping = record.service->stop.timeout + 2 * kill_patience + seconds(2);
    const duration bound = notice_slack + (was_stopped ? stopping : duration::zero());
    const instant since = std::max(*one.died, awake_since());
    if (now() - since <= bound) return;
    violated(fmt::format("incarnation {} of {} ended {} ago, and no exit is told", key.second, key.first,
                         format_duration(now() - *one.died)));
  }

  std::map<std::uint64_t, int> unreaped_;
  std::map<incarnation_key, leader> leaders_;  ///< alive, or their end not yet told
};

// --- 6, 7: the end --------------------------------------------------------------------------------------------------

class nothing_left final : public process_oracle {
 public:
  explicit nothing_left(const judge& of)
      : process_oracle(of, 6, "nothing_left", "when the supervisor has stopped, nothing that it started lives") {}

  void on_event(const event& what) noexcept override {
    if (what.kind == event_kind::supervisor && what.to == "stopped") look(false);
  }
  void on_phase(run_phase phase) override {
    if (phase == run_phase::over) look(true);
  }

 private:
  void look(bool also_stuck) {
    premise();
    for (const auto& [pid, one] : place().processes()) {
      const bool excused = one->stuck() && !also_stuck;
      if (one->alive() && ours(*one) && !excused) violated(fmt::format("{} lives on after the end", named(*one)));
    }
  }
};

class no_spawn_after_stop final : public process_oracle {
 public:
  explicit no_spawn_after_stop(const judge& of)
      : process_oracle(of, 7, "no_spawn_after_stop", "once the supervisor is stopping, no leader is spawned") {}

  void on_phase(run_phase phase) override {
    if (phase == run_phase::end) stops(now() + request_delay);
  }
  void on_event(const event& what) noexcept override {
    if (what.kind == event_kind::supervisor && what.to == "stopping") stops(now());
  }
  void on_spawn(const simulated_process& which) override {
    if (!leads(which)) return;
    premise();
    if (!stop_at_ || now() - *stop_at_ <= spawn_latency) return;
    violated(fmt::format("{} is spawned {} after the stop", named(which), format_duration(now() - *stop_at_)));
  }

 private:
  void forget() override { stop_at_.reset(); }
  void stops(instant when) { stop_at_ = std::min(stop_at_.value_or(when), when); }

  std::optional<instant> stop_at_;
};

// --- 22: somebody else's port ---------------------------------------------------------------------------------------

class foreign_port final : public process_oracle {
 public:
  explicit foreign_port(const judge& of)
      : process_oracle(of, 22, "foreign_port", "nothing is spawned onto a stranger's port, and the theft is told") {
    for (const auto& [name, one] : of.context().history.instances()) {
      const std::uint16_t number = one.service->instances[one.index].port;
      if (number == 0) continue;
      port& watched = ports_[number];
      watched.instance = name;
      watched.record = &one;
    }
  }

  void on_listen(const simulated_process& which, std::uint16_t number) override {
    const auto found = ports_.find(number);
    if (found == ports_.end() || which.instance() == found->second.instance) return;
    port& taken = found->second;
    // To who looks now and then, thieves that follow each other closely are one.
    if (now() - taken.left_at > patience_of(*taken.record->service)) taken.told = false;
    if (taken.strangers++ == 0) taken.taken_at = taken.silent_since = now();
    premise();
  }
  void on_unlisten(const simulated_process& which, std::uint16_t number) override {
    const auto found = ports_.find(number);
    if (found == ports_.end() || which.instance() == found->second.instance) return;
    if (--found->second.strangers == 0) found->second.left_at = now();
  }

  void on_spawn(const simulated_process& which) override {
    if (!leads(which)) return;
    const instance_record& one = *record_of(which);
    const auto found = ports_.find(one.service->instances[one.index].port);
    if (found == ports_.end() || found->second.strangers == 0) return;
    // What was decided before the theft is carried out, also by a supervisor that was stopped in between.
    const duration taken_for = now() - std::max(found->second.taken_at, awake_since());
    if (taken_for <= spawn_latency) return;
    violated(fmt::format("{} is spawned though a stranger has listened on port {} for {}", named(which), found->first,
                         format_duration(taken_for)));
  }

  void on_event(const event& what) noexcept override {
    const bool about_a_port = what.kind == event_kind::foreign || what.cause == cause::port_taken;
    if (!about_a_port) return;
    for (auto& [number, one] : ports_) one.told = one.told || one.instance == what.instance;
  }

  void on_tick() override {
    for (auto& [number, one] : ports_) {
      if (one.strangers == 0 || one.told) continue;
      if (!should_look(*one.record)) one.silent_since = now();
      const duration silent = now() - std::max(one.silent_since, awake_since());
      if (silent <= patience_of(*one.record->service)) continue;
      violated(fmt::format("a stranger has listened on port {} of {} for {}, and nothing is told", number, one.instance,
                           format_duration(now() - one.taken_at)));
    }
  }

 private:
  struct port {
    std::string instance;
    const instance_record* record = nullptr;
    std::uint32_t strangers = 0;
    instant taken_at{};
    instant silent_since{};
    instant left_at = instant(-std::chrono::hours(1));
    bool told = false;
  };

  /// It waits, and for nothing but its port and its turn in the backoff.
  bool should_look(const instance_record& one) const {
    if (!supervisor_runs() || one.state != instance_state::waiting) return false;
    std::uint32_t starting = 0;
    for (const auto& [name, other] : history().instances()) starting += other.state == instance_state::starting;
    const auto& needs = one.service->needs;
    return starting < cluster().start_concurrency &&
           std::all_of(needs.begin(), needs.end(), [&](const std::string& other) { return serves(other); });
  }
  bool serves(std::string_view service) const {
    const auto& all = history().instances();
    return std::any_of(all.begin(), all.end(), [&](const auto& one) {
      return one.second.service->name == service && one.second.state == instance_state::serving;
    });
  }

  static duration patience_of(const service_spec& service) {
    return service.restart.backoff.cap + service.restart.backoff.cap / 2 + service.stagger + notice_slack;
  }

  std::map<std::uint16_t, port> ports_;
};

}  // namespace

std::unique_ptr<oracle> make_one_listener(const judge& of) { return std::make_unique<one_listener>(of); }

void add_process_oracles(judge& to) {
  to.add(std::make_unique<one_listener>(to));
  to.add(std::make_unique<one_generation>(to));
  to.add(std::make_unique<own_signals>(to));
  to.add(std::make_unique<reaped_once>(to));
  to.add(std::make_unique<nothing_left>(to));
  to.add(std::make_unique<no_spawn_after_stop>(to));
  to.add(std::make_unique<foreign_port>(to));
}

}  // namespace hale::sim
