// One instance through all its incarnations: it waits for its turn, starts, serves, is stopped or fails, and decides
// with the policies what comes next. All it does is done by one coroutine, run(); commands only change what is wanted
// and wake it, so fifty of them at once are as good as one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hale/async/pulse.hpp"
#include "hale/async/task.hpp"
#include "hale/heal/cluster_context.hpp"
#include "hale/heal/incarnation.hpp"
#include "hale/heal/status.hpp"
#include "hale/heal/supervisor.hpp"
#include "hale/policy/lifecycle.hpp"
#include "hale/policy/repeat_guard.hpp"
#include "hale/policy/restart_budget.hpp"

namespace hale {

/// What an instance asks of its service and tells it.
class instance_surroundings {
 public:
  /// Whether everything it must wait for before a start is there.
  virtual bool may_start() const = 0;
  /// What it waits for, for people; empty when may_start().
  virtual std::string waits_for() const = 0;
  /// The earliest moment of the next start of this service, so that starts are staggered; taking it reserves it.
  virtual instant next_start() const = 0;
  virtual void take_start() = 0;
  /// The disruption budget: whether one more may go down for a verdict.
  virtual bool may_take_down(std::uint32_t index) = 0;
  /// Its state or its published health has changed.
  virtual void on_change(std::uint32_t index, instance_state from, instance_state to) = 0;

 protected:
  ~instance_surroundings() = default;
};

class instance final : incarnation_listener {
 public:
  instance(cluster_context& cluster, const service_spec& service, std::uint32_t index,
           instance_surroundings& surroundings);

  /// Lives until retire() has been obeyed. Once.
  task<void> run();

  // Commands. Each takes effect at once or as soon as what is under way allows.
  void start();
  void stop(cause why, std::string reason);
  void restart(cause why, std::string reason);
  /// What lives goes on until it ends or is stopped; nothing is started any more.
  void start_no_more(std::string reason);
  /// Stop for good: run() ends when the process tree is gone.
  void retire(std::string reason);
  /// Refused while its port is served by a stranger: the reason; empty when commands are welcome.
  std::string refusal() const;

  /// Waits until it serves with an incarnation later than `after`; fails when the next attempt does.
  task<command_result> await_serving(incarnation_number after);
  /// Waits until its tree is gone.
  task<command_result> await_stopped();

  bool heartbeat();
  void report_request(duration took, bool success);
  std::int64_t pid() const noexcept { return life_ == nullptr ? 0 : life_->pid(); }
  bool contains(std::int64_t pid) const noexcept { return life_ != nullptr && life_->contains(pid); }
  void notify(const sd_notification& what);
  void forgive(duration late);
  /// A service it needs stopped serving, or serves again.
  void set_dependency_lost(bool lost, std::string which);

  const std::string& name() const noexcept { return spec_.name; }
  std::uint16_t port() const noexcept { return spec_.port; }
  instance_state state() const noexcept { return state_; }
  incarnation_number current() const noexcept { return incarnation_; }
  /// It has been started, or will not be before a person acts: those that come after it need not wait.
  bool had_its_turn() const noexcept {
    return incarnation_.value() > 0 || state_ == instance_state::held || state_ == instance_state::foreign;
  }
  const diagnosis& health() const noexcept { return health_; }
  /// Whether a restart asked for now is already under way: the incarnation that is coming will do.
  bool restart_on_its_way() const noexcept {
    const bool being_spawned = state_ == instance_state::waiting && life_ != nullptr && !life_->exit();
    return being_spawned || (restarting_by_command_ && state_ == instance_state::starting);
  }
  instance_log& log() noexcept { return *log_; }
  instance_status status() const;

 private:
  // incarnation_listener
  void on_serving() override;
  void on_health(const diagnosis& published) override;
  bool may_take_down(const diagnosis& verdict) override;
  void on_signature(const signature_match& match) override;
  void on_probe_error(const std::string& why) override;
  void on_oom_kills(std::uint64_t count) override;
  void on_stable() override;
  void on_lines_lost(std::uint64_t count) override;

  task<bool> prepare();
  task<bool> wait_for_turn();
  task<bool> clean_slate();
  task<bool> watch_foreigner();
  task<bool> answers_health_probe();
  task<void> live();

  void tell_spawn(const std::optional<exit_verdict>& failure);
  void tell_exit(const exit_verdict& verdict, const incarnation& life);
  void say_port_taken(std::uint32_t attempt);
  void decide(const ending& how, duration healthy_for);
  void restart_within_budget(const exit_verdict& why, duration healthy_for);
  void hold(cause why, std::string reason);
  void cool(cause why, const std::string& reason);
  void enter(instance_state next, std::optional<cause> why, std::string reason);
  void note_wrong(cause why, std::string reason);
  void note_action(std::string_view action, cause why, std::string reason);
  void alert(cause why, std::string reason);
  void wake();
  void tell_waiters();
  event make_event(event_kind kind) const;
  launch_identity identity() const;
  endpoint address() const;
  bool port_free() const;
  bool stuck() const noexcept { return remains_ != nullptr && remains_->tree_alive(); }
  instant now() const { return cluster_.world.clock.now(); }

  cluster_context& cluster_;
  const service_spec& service_;
  const instance_spec& spec_;
  instance_surroundings& surroundings_;
  std::uint32_t index_;
  std::unique_ptr<instance_log> log_;

  instance_state state_ = instance_state::stopped;
  bool wanted_ = false;
  bool retiring_ = false;
  bool starts_no_more_ = false;
  bool restarting_by_command_ = false;
  bool asked_again_ = false;  ///< a person wants it back while it is being stopped
  std::optional<cause> alerted_for_;
  pulse changed_;
  cancel_source* interruptible_ = nullptr;
  permit start_slot_;
  instant not_before_{};
  incarnation_number incarnation_{};
  incarnation* life_ = nullptr;
  std::unique_ptr<incarnation> remains_;  ///< of a tree that would not die

  restart_budget budget_;
  repeat_guard repeats_;
  std::uint64_t restarts_ = 0;
  std::uint64_t failures_ = 0;  ///< incarnations and attempts that ended badly
  diagnosis health_;
  std::string dependency_lost_;
  std::optional<cause> cause_;
  std::string reason_;
  std::string last_action_;
  std::optional<wall_time> last_action_at_;
  std::optional<cause> last_cause_;
  std::string last_reason_;
};

}  // namespace hale
