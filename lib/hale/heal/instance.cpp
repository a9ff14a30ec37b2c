#include "hale/heal/instance.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <fmt/format.h>

#include "hale/base/text.hpp"
#include "hale/policy/backoff.hpp"

namespace hale {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A port is often free only a moment after its last holder is gone.
constexpr duration port_grace_pauses[] = {milliseconds(5), milliseconds(10), milliseconds(20), milliseconds(40),
                                          milliseconds(80)};

std::string describe(const exit_status& status) {
  if (const auto* ended = std::get_if<exited>(&status)) return fmt::format("exit code {}", ended->code);
  if (const auto* killed = std::get_if<signalled>(&status)) {
    return fmt::format("{}{}", signal_name(killed->signal), killed->core_dumped ? ", core dumped" : "");
  }
  return "how it ended is not known";
}

command_result failed(std::string message) {
  command_result result;
  result.status = command_result::outcome::failed;
  result.message = std::move(message);
  return result;
}

restart_limits limits_of(const restart_spec& spec) {
  restart_limits limits;
  limits.attempts = spec.attempts;
  limits.reset_after = spec.reset_after;
  limits.cool = spec.cool;
  return limits;
}

}  // namespace

instance::instance(cluster_context& cluster, const service_spec& service, std::uint32_t index,
                   instance_surroundings& surroundings)
    : cluster_(cluster), service_(service), spec_(service.instances[index]), surroundings_(surroundings),
      index_(index), log_(cluster.world.logs.open(spec_.name, service.logs)), budget_(limits_of(service.restart)) {}

launch_identity instance::identity() const {
  return launch_identity{cluster_.spec.name, service_, index_, incarnation_, cluster_.notify_path};
}

task<void> instance::run() {
  for (;;) {
    if (!wanted_) {
      enter(instance_state::stopped, std::nullopt, "");
      if (retiring_) co_return;
      co_await changed_.wait();
      continue;
    }
    if (state_ == instance_state::held || state_ == instance_state::finished) {
      co_await changed_.wait();
      continue;
    }
    if (state_ == instance_state::stopping) enter(instance_state::waiting, std::nullopt, "");
    cancel_source interruption;
    interruptible_ = &interruption;
    auto preparing = prepare();
    const bool ready = co_await cancelled_by(interruption, std::move(preparing));
    interruptible_ = nullptr;
    if (ready && wanted_) {
      auto living = live();
      co_await std::move(living);
    }
    start_slot_.release();
  }
}

// --- before a start -------------------------------------------------------------------------------------------------

task<bool> instance::prepare() {
  const auto interrupted = co_await cluster_.world.clock.sleep_until(not_before_);
  if (interrupted) co_return false;
  if (state_ == instance_state::cooling) enter(instance_state::waiting, cause_, reason_);
  if (remains_) {
    auto clearing = remains_->clear_away(false);
    const bool gone = co_await shielded(std::move(clearing));
    if (!gone) {
      hold(cause::stuck_in_kernel, "something of its last process still survives SIGKILL");
      co_return false;
    }
    remains_.reset();
  }
  for (;;) {
    auto turn = wait_for_turn();
    const bool mine = co_await std::move(turn);
    if (!mine) co_return false;
    const bool staggered = surroundings_.next_start() > now();
    const auto cut_short = co_await cluster_.world.clock.sleep_until(surroundings_.next_start());
    if (cut_short) co_return false;
    const bool waits = staggered || cluster_.start_slots.free() == 0;
    auto slots = cluster_.start_slots.acquire();
    auto slot = co_await slots;
    if (!slot) co_return false;
    // While it waited, the rest may have changed; and a sibling may have gone first.
    const bool still_clear = surroundings_.may_start() && surroundings_.next_start() <= now() &&
                             (!waits || port_free());
    if (still_clear) {
      start_slot_ = std::move(*slot);
      surroundings_.take_start();
      co_return true;
    }
  }
}

task<bool> instance::wait_for_turn() {
  while (!surroundings_.may_start()) {
    enter(instance_state::waiting, cause_, surroundings_.waits_for());
    const auto interrupted = co_await cluster_.changed.wait();
    if (interrupted) co_return false;
  }
  auto clearing = clean_slate();
  const bool clean = co_await std::move(clearing);
  co_return clean;
}

endpoint instance::address() const {
  return endpoint::tcp(service_.health ? service_.health->host : "127.0.0.1", spec_.port);
}

bool instance::port_free() const {
  if (spec_.port == 0) return true;
  // Anything else (a privileged port, say) is better said by the server itself.
  return cluster_.world.network.check_bindable(address()) != std::errc::address_in_use;
}

task<bool> instance::clean_slate() {
  const context here = co_await this_context();
  for (const duration pause : port_grace_pauses) {
    if (port_free()) co_return true;
    const auto interrupted = co_await cluster_.world.clock.sleep_for(pause);
    if (interrupted) co_return false;
  }
  for (std::uint32_t attempt = 1; !port_free(); ++attempt) {
    auto asking = answers_health_probe();
    const bool serves = co_await std::move(asking);
    if (here.cancelled()) co_return false;
    if (serves) {
      auto watching = watch_foreigner();
      const bool gone = co_await std::move(watching);
      if (!gone) co_return false;
      continue;
    }
    say_port_taken(attempt);
    const auto interrupted =
        co_await cluster_.world.clock.sleep_for(backoff_delay(service_.restart.backoff, attempt));
    if (interrupted) co_return false;
  }
  co_return true;
}

void instance::say_port_taken(std::uint32_t attempt) {
  const port_holder holder = cluster_.world.processes.find_listener(spec_.port);
  std::string reason = fmt::format("port {} is taken by ", spec_.port);
  reason += holder.pid == 0 ? "a process that cannot be seen from here"
                            : fmt::format("pid {} ({})", holder.pid, holder.command);
  restarting_by_command_ = false;
  if (attempt == 1) {
    ++failures_;
    note_action("wait", cause::port_taken, reason);
  }
  if (attempt == std::max<std::uint32_t>(1, service_.restart.attempts)) alert(cause::port_taken, reason);
  note_wrong(cause::port_taken, reason);
  enter(instance_state::waiting, cause::port_taken, std::move(reason));
  changed_.wake_all();
}

task<bool> instance::answers_health_probe() {
  if (!service_.health) co_return false;
  auto probe = resolve_probe(*service_.health, identity());
  if (!probe) co_return false;
  auto asking = run_probe(cluster_.world, *probe);
  const probe_result answer = co_await std::move(asking);
  co_return answer.what == probe_result::outcome::success;
}

/// True when the stranger is gone or no longer answers; false when interrupted.
task<bool> instance::watch_foreigner() {
  const context here = co_await this_context();
  const port_holder holder = cluster_.world.processes.find_listener(spec_.port);
  const std::string reason =
      holder.pid == 0 ? fmt::format("port {} is served by a process that is not hale's", spec_.port)
                      : fmt::format("port {} is served by pid {} ({}), which is not hale's", spec_.port, holder.pid,
                                    holder.command);
  event met = make_event(event_kind::foreign);
  met.cause = cause::port_taken;
  met.reason = reason;
  cluster_.emit(std::move(met));
  restarting_by_command_ = false;
  enter(instance_state::foreign, cause::port_taken, reason);
  std::uint32_t unanswered = 0;
  while (unanswered < service_.health->failures) {
    const auto interrupted = co_await cluster_.world.clock.sleep_for(service_.health->interval);
    if (interrupted) co_return false;
    if (port_free()) break;
    auto asking = answers_health_probe();
    const bool answers = co_await std::move(asking);
    if (here.cancelled()) co_return false;
    unanswered = answers ? 0 : unanswered + 1;
  }
  enter(instance_state::waiting, std::nullopt, "");
  co_return true;
}

// --- alive ----------------------------------------------------------------------------------------------------------

task<void> instance::live() {
  incarnation_ = incarnation_number(incarnation_.value() + 1);
  asked_again_ = false;
  incarnation_listener& listener = *this;
  auto life = std::make_unique<incarnation>(cluster_, identity(), listener, *log_);
  life_ = life.get();
  auto spawning = life->spawn();
  const auto not_spawned = co_await std::move(spawning);
  tell_spawn(not_spawned);
  if (not_spawned) {
    life_ = nullptr;
    decide(ending{ending::kind::exited, *not_spawned}, duration::zero());
    tell_waiters();
    co_return;
  }
  enter(instance_state::starting, std::nullopt, "");
  auto watching = life->watch();
  const ending how = co_await std::move(watching);
  start_slot_.release();
  const duration healthy_for = life->healthy_for();
  const bool by_itself = how.how == ending::kind::exited;
  if (by_itself) {
    tell_exit(how.verdict, *life);
    decide(how, healthy_for);
  } else {
    enter(instance_state::stopping, how.verdict.cause, how.verdict.reason);
  }
  auto clearing = life->clear_away(how.how == ending::kind::sick);
  const bool gone = co_await std::move(clearing);
  if (!by_itself) tell_exit(how.verdict, *life);
  life_ = nullptr;
  if (!gone) {
    remains_ = std::move(life);
    const bool at_rest = state_ == instance_state::cooling || state_ == instance_state::finished;
    if (at_rest) enter(instance_state::waiting, std::nullopt, "");
    hold(cause::stuck_in_kernel, "something of its process survives SIGKILL: it is stuck in the kernel");
  } else if (!by_itself) {
    decide(how, healthy_for);
  }
  tell_waiters();
}

void instance::tell_waiters() {
  changed_.wake_all();
  cluster_.changed.wake_all();
}

void instance::tell_spawn(const std::optional<exit_verdict>& failure) {
  event what = make_event(event_kind::spawn);
  what.success = !failure.has_value();
  if (failure) {
    what.cause = failure->cause;
    what.reason = failure->reason;
  } else {
    what.details = fmt::format("pid {}", life_->pid());
  }
  cluster_.emit(std::move(what));
}

void instance::tell_exit(const exit_verdict& verdict, const incarnation& life) {
  event what = make_event(event_kind::exit);
  what.cause = verdict.cause;
  what.reason = verdict.reason;
  what.details = life.exit() ? describe(*life.exit()) : "it is still there";
  cluster_.emit(std::move(what));
}

void instance::on_serving() {
  start_slot_.release();
  restarting_by_command_ = false;
  health_ = diagnosis();
  enter(instance_state::serving, std::nullopt, "");
  // To serve for a moment is what a crash loop does, too.
  if (alerted_for_) life_->tell_when_stable();
}

void instance::on_stable() {
  alerted_for_.reset();
  event what = make_event(event_kind::alert_resolved);
  what.reason = fmt::format("{} serves again, and has been well for {}", name(),
                            format_duration(service_.restart.reset_after));
  cluster_.emit(std::move(what));
}

void instance::on_lines_lost(std::uint64_t count) {
  event what = make_event(event_kind::supervisor);
  what.to = "log_lost";
  what.cause = cause::resource_exhausted;
  what.reason = fmt::format("{} line{} of its output could not be kept: is the disk full? It is supervised as before",
                            count, count == 1 ? "" : "s");
  cluster_.emit(std::move(what));
}

void instance::on_health(const diagnosis& published) {
  event what = make_event(event_kind::health);
  what.from = to_string(health_.status);
  what.to = to_string(published.status);
  what.cause = published.cause;
  what.reason = published.reason;
  health_ = published;
  if (published.cause) {
    note_wrong(*published.cause, published.reason);
  } else {
    cause_.reset();
    reason_.clear();
  }
  cluster_.emit(std::move(what));
  surroundings_.on_change(index_, state_, state_);
}

bool instance::may_take_down(const diagnosis& verdict) {
  if (!surroundings_.may_take_down(index_)) return false;
  note_action("restart", verdict.cause.value_or(cause::unknown), verdict.reason);
  return true;
}

void instance::on_signature(const signature_match& match) {
  event what = make_event(event_kind::signature);
  what.cause = match.what->cause;
  what.reason = std::string(match.what->hint);
  what.details = match.line;
  cluster_.emit(std::move(what));
}

void instance::on_probe_error(const std::string& why) {
  event what = make_event(event_kind::probe_error);
  what.reason = why;
  cluster_.emit(std::move(what));
}

void instance::on_oom_kills(std::uint64_t count) {
  event what = make_event(event_kind::oom);
  what.cause = cause::oom_killed;
  what.reason = fmt::format("the kernel's out-of-memory killer struck {} time{} in its tree", count,
                            count == 1 ? "" : "s");
  cluster_.emit(std::move(what));
}

// --- what comes next ------------------------------------------------------------------------------------------------

void instance::decide(const ending& how, duration healthy_for) {
  const exit_verdict& why = how.verdict;
  if (starts_no_more_) wanted_ = false;
  if (!wanted_) {
    if (has_process(state_)) enter(instance_state::stopping, std::nullopt, "");
    return;
  }
  if (how.how == ending::kind::told || asked_again_) {
    budget_.reset();
    repeats_.reset();
    not_before_ = now();
    ++restarts_;
    enter(instance_state::waiting, why.cause, why.reason);
    return;
  }
  ++failures_;
  restarting_by_command_ = false;
  note_wrong(why.cause, why.reason);
  if (!restart_wanted(service_.restart.policy, why.cause)) {
    if (why.cause == cause::exit_clean) {
      enter(instance_state::finished, std::nullopt, "");
    } else {
      hold(why.cause, fmt::format("{}; its restart policy is never", why.reason));
    }
    return;
  }
  if (healthy_for >= service_.restart.reset_after) repeats_.reset();
  if (repeats_.admit(why.cause, why.restart) == restart_class::hold) {
    hold(why.cause, why.reason);
    return;
  }
  restart_within_budget(why, healthy_for);
}

void instance::restart_within_budget(const exit_verdict& why, duration healthy_for) {
  const restart_decision next = budget_.next(healthy_for);
  duration wait{};
  switch (next.what) {
    case restart_decision::kind::now: break;
    case restart_decision::kind::backoff: {
      const backoff_policy& policy = service_.restart.backoff;
      const std::uint64_t draw =
          cluster_.world.random.below(jitter_choices(policy, next.attempt), "backoff jitter");
      wait = jittered_delay(policy, next.attempt, draw);
      break;
    }
    case restart_decision::kind::cool: cool(why.cause, why.reason); return;
    case restart_decision::kind::give_up:
      hold(why.cause, fmt::format("{}; {} restarts did not help", why.reason, next.attempt));
      return;
  }
  ++restarts_;
  not_before_ = saturating_add(now(), wait);
  // A sick instance's restart was told when it was decided to take it down.
  if (state_ != instance_state::stopping) note_action("restart", why.cause, why.reason);
  enter(instance_state::waiting, why.cause, why.reason);
}

void instance::cool(cause why, const std::string& reason) {
  const duration wait = service_.restart.cool;
  const std::string said = fmt::format("{}; {} restarts did not help, next try in {}", reason,
                                       service_.restart.attempts, format_duration(wait));
  not_before_ = saturating_add(now(), wait);
  ++restarts_;
  alert(why, said);
  enter(instance_state::cooling, why, said);
}

void instance::hold(cause why, std::string reason) {
  note_wrong(why, reason);
  alert(why, reason);
  enter(instance_state::held, why, std::move(reason));
}

void instance::enter(instance_state next, std::optional<cause> why, std::string reason) {
  cause_ = why;
  reason_ = std::move(reason);
  const instance_state before = state_;
  if (next == before) return;
  assert(is_legal(before, next) && "illegal transition of an instance");
  state_ = next;
  if (next != instance_state::serving) health_ = diagnosis();
  event what = make_event(event_kind::state);
  what.from = to_string(before);
  what.to = to_string(next);
  what.cause = cause_;
  what.reason = reason_;
  cluster_.emit(std::move(what));
  surroundings_.on_change(index_, before, next);
  tell_waiters();
}

void instance::note_wrong(cause why, std::string reason) {
  cause_ = why;
  reason_ = reason;
  last_cause_ = why;
  last_reason_ = std::move(reason);
}

void instance::note_action(std::string_view action, cause why, std::string reason) {
  last_action_ = action;
  last_action_at_ = cluster_.world.clock.wall();
  event what = make_event(event_kind::action);
  what.action = action;
  what.cause = why;
  what.reason = std::move(reason);
  cluster_.emit(std::move(what));
}

void instance::alert(cause why, std::string reason) {
  if (alerted_for_ == why) return;
  alerted_for_ = why;
  event what = make_event(event_kind::alert);
  what.cause = why;
  what.reason = std::move(reason);
  cluster_.emit(std::move(what));
}

event instance::make_event(event_kind kind) const {
  event what;
  what.kind = kind;
  what.service = service_.name;
  what.instance = spec_.name;
  what.incarnation = incarnation_;
  return what;
}

// --- commands -------------------------------------------------------------------------------------------------------

void instance::wake() {
  if (interruptible_ != nullptr) interruptible_->cancel();
  changed_.wake_all();
}

void instance::start() {
  wanted_ = true;
  restarting_by_command_ = false;
  budget_.reset();
  repeats_.reset();
  switch (state_) {
    case instance_state::stopped:
    case instance_state::finished:
    case instance_state::held:
    case instance_state::cooling:
      not_before_ = now();
      enter(instance_state::waiting, std::nullopt, "");
      wake();
      return;
    case instance_state::waiting:
      not_before_ = now();
      wake();
      return;
    case instance_state::stopping: asked_again_ = true; return;
    case instance_state::starting:
    case instance_state::serving:
    case instance_state::foreign: return;
  }
}

void instance::stop(cause why, std::string reason) {
  if (wanted_) note_action("stop", why, reason);
  wanted_ = false;
  restarting_by_command_ = false;
  if (life_ != nullptr) life_->end(ending{ending::kind::told, exit_verdict{why, std::move(reason)}});
  wake();
}

void instance::restart(cause why, std::string reason) {
  const bool coming = has_process(state_) || state_ == instance_state::waiting;
  const bool under_way = restarting_by_command_ && wanted_ && coming;
  if (under_way) return;
  note_action("restart", why, reason);
  start();
  restarting_by_command_ = true;
  if (!has_process(state_)) return;
  asked_again_ = true;
  life_->end(ending{ending::kind::told, exit_verdict{why, std::move(reason)}});
}

void instance::start_no_more(std::string reason) {
  starts_no_more_ = true;
  if (life_ == nullptr) stop(cause::operator_request, std::move(reason));
}

void instance::retire(std::string reason) {
  retiring_ = true;
  stop(cause::operator_request, std::move(reason));
}

std::string instance::refusal() const {
  if (state_ != instance_state::foreign) return {};
  return fmt::format("{}: {}; hale leaves it alone", name(), reason_);
}

task<command_result> instance::await_serving(incarnation_number after) {
  const std::uint64_t failures_before = failures_;
  for (;;) {
    const bool later = incarnation_ > after;
    if (later && state_ == instance_state::serving) co_return command_result();
    if (later && state_ == instance_state::finished) co_return command_result();
    if (state_ == instance_state::foreign) {
      command_result refused;
      refused.status = command_result::outcome::refused;
      refused.message = refusal();
      co_return refused;
    }
    const bool resting = state_ == instance_state::held || state_ == instance_state::cooling;
    if (resting || failures_ != failures_before) {
      co_return failed(fmt::format("{} does not serve: {}; see hale logs {}", name(), last_reason_, name()));
    }
    if (!wanted_) co_return failed(fmt::format("{} was stopped meanwhile", name()));
    const auto interrupted = co_await changed_.wait();
    if (interrupted) co_return failed("the wait was cancelled; the command goes on");
  }
}

task<command_result> instance::await_stopped() {
  const incarnation_number told = incarnation_;
  for (;;) {
    if (stuck()) co_return failed(fmt::format("{}: {}", name(), last_reason_));
    const bool tree_gone = life_ == nullptr || incarnation_ != told;
    const bool settled = wanted_ || state_ == instance_state::stopped;
    if (tree_gone && settled) co_return command_result();
    const auto interrupted = co_await changed_.wait();
    if (interrupted) co_return failed("the wait was cancelled; the command goes on");
  }
}

// --- observations ---------------------------------------------------------------------------------------------------

bool instance::heartbeat() {
  if (life_ == nullptr) return false;
  life_->heartbeat();
  return true;
}

void instance::report_request(duration took, bool success) {
  if (life_ != nullptr) life_->report_request(took, success);
}

void instance::notify(const sd_notification& what) {
  if (life_ != nullptr) life_->notify(what);
}

void instance::forgive(duration late) {
  if (life_ != nullptr) life_->forgive(late);
}

void instance::set_dependency_lost(bool lost, std::string which) {
  const bool was = !dependency_lost_.empty();
  if (lost == was) return;
  dependency_lost_ = lost ? fmt::format("{} does not serve", which) : std::string();
  if (state_ != instance_state::serving || health_.status != health_status::healthy) return;
  event what = make_event(event_kind::health);
  what.from = to_string(lost ? health_status::healthy : health_status::degraded);
  what.to = to_string(lost ? health_status::degraded : health_status::healthy);
  if (lost) {
    what.cause = cause::dependency_lost;
    what.reason = dependency_lost_;
    last_cause_ = cause::dependency_lost;
    last_reason_ = dependency_lost_;
  }
  cluster_.emit(std::move(what));
}

instance_status instance::status() const {
  instance_status shown;
  shown.name = spec_.name;
  shown.index = index_;
  shown.port = spec_.port;
  shown.state = state_;
  shown.cause = cause_;
  shown.reason = reason_;
  shown.incarnation = incarnation_;
  shown.attempt = budget_.attempt();
  shown.restarts = restarts_;
  shown.last_action = last_action_;
  shown.last_action_at = last_action_at_;
  shown.last_cause = last_cause_;
  shown.last_reason = last_reason_;
  shown.log_lines_lost = log_->lines_lost();
  if (state_ == instance_state::serving) {
    shown.health = health_.status;
    if (health_.status == health_status::healthy && !dependency_lost_.empty()) {
      shown.health = health_status::degraded;
      shown.cause = cause::dependency_lost;
      shown.reason = dependency_lost_;
    }
  }
  if (life_ == nullptr || life_->pid() == 0) return shown;
  const vitals& signs = life_->signs();
  shown.pid = life_->pid();
  shown.uptime = now() - life_->spawned_at();
  shown.consecutive_failures = signs.consecutive_failures;
  if (life_->serving()) shown.heartbeat_age = now() - signs.last_heartbeat;
  if (signs.requests > 0) {
    shown.error_rate = signs.error_rate;
    shown.response = signs.avg_response;
  }
  if (life_->healthy_for() >= service_.restart.reset_after) shown.attempt = 0;
  return shown;
}

}  // namespace hale
