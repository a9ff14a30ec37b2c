#include "hale/heal/incarnation.hpp"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <fmt/format.h>

#include "hale/base/text.hpp"

namespace hale {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr duration first_start_probe_pause = milliseconds(20);
constexpr duration longest_start_probe_pause = seconds(1);
constexpr duration oom_interval = seconds(10);
constexpr duration start_usage_interval = seconds(1);
constexpr duration lines_lost_pause = std::chrono::minutes(10);
constexpr duration memory_interval = seconds(2);
constexpr duration path_warning_after = seconds(30);
constexpr duration diagnostic_grace = seconds(2);
constexpr duration leftover_poll = milliseconds(20);
constexpr duration kill_patience = seconds(30);
// What an idle server spends on answering our own start probes is no progress.
constexpr int progress_cpu_percent = 5;
constexpr std::uint64_t progress_rss_bytes = 1024 * 1024;

health_thresholds thresholds_of(const service_spec& service) {
  health_thresholds limits;
  limits.heartbeats_expected = service.heartbeat.has_value() || service.health.has_value();
  if (service.heartbeat) {
    limits.heartbeat_expected = service.heartbeat->expected;
    limits.heartbeat_drift_threshold = service.heartbeat->drift;
  } else if (service.health) {
    limits.heartbeat_expected = std::max<duration>(seconds(15), 2 * service.health->interval);
  }
  if (service.health) limits.max_consecutive_failures = service.health->failures;
  limits.degraded_error_rate = service.errors.degraded;
  limits.unhealthy_error_rate = service.errors.unhealthy;
  limits.memory_soft_bytes = service.memory.soft_bytes;
  limits.memory_hard_bytes = service.memory.hard_bytes;
  return limits;
}

std::unique_ptr<resolved_probe> probe_of(const launch_identity& who) {
  const auto& wanted = who.service.start_probe ? who.service.start_probe : who.service.health;
  if (!wanted) return nullptr;
  auto resolved = resolve_probe(*wanted, who);
  return resolved ? std::make_unique<resolved_probe>(std::move(*resolved)) : nullptr;
}

}  // namespace

incarnation::incarnation(cluster_context& cluster, const launch_identity& who, incarnation_listener& listener,
                         instance_log& log)
    : cluster_(cluster), who_(who), listener_(listener), log_(log), thresholds_(thresholds_of(who.service)),
      lines_lost_told_(log.lines_lost()) {}

task<std::optional<exit_verdict>> incarnation::spawn() {
  auto spec = make_process_spec(who_);
  if (!spec) co_return exit_verdict{cause::config_error, spec.error(), restart_class::hold};
  spec->output = this;
  auto spawning = cluster_.world.processes.spawn(std::move(*spec));
  auto spawned = co_await std::move(spawning);
  if (!spawned) {
    const spawn_error& error = spawned.error();
    co_return classify_spawn_error(error.code.value(), error.step, error.path);
  }
  process_ = std::move(*spawned);
  probe_ = probe_of(who_);
  spawned_at_ = cluster_.world.clock.now();
  measured_at_ = spawned_at_;
  start_cap_ = saturating_add(spawned_at_, who_.service.start.timeout);
  stall_at_ = saturating_add(spawned_at_, who_.service.start.stall);
  vitals_ = vitals(spawned_at_);
  co_return std::nullopt;
}

task<ending> incarnation::watch() {
  const context here = co_await this_context();
  scope watchers(here);
  watchers_ = &watchers;
  watchers.spawn(watch_exit());
  if (probe_) {
    watchers.spawn(watch_probe());
  } else {
    watchers.spawn(watch_oom());
    begin_serving();
  }
  if (thresholds_.memory_soft_bytes || thresholds_.memory_hard_bytes) watchers.spawn(watch_memory());
  co_await over_.wait();
  watchers_ = nullptr;
  watchers.cancel();
  try {
    co_await watchers.join();
  } catch (const std::exception& error) {
    // It has ended the watch, see watch_exit(): nobody lives on unwatched.
    ending_->verdict.reason += fmt::format(" ({})", error.what());
  }
  assert(ending_.has_value());
  co_return std::move(*ending_);
}

void incarnation::end(ending how) {
  if (ending_) return;
  ending_ = std::move(how);
  over_.fire();
}

void incarnation::end_sick(cause why, std::string reason) {
  const restart_class wanted = restart_of_sick(signatures_.best(), !serving_);
  end(ending{ending::kind::sick, exit_verdict{why, std::move(reason), wanted}});
}

task<void> incarnation::watch_exit() {
  auto waiting = process_->wait(deadline::never());
  const auto status = co_await std::move(waiting);
  if (!status) {
    end_sick(cause::unknown, "its watch ended before it did");  // counts only where nothing else ended it
    co_return;
  }
  exit_ = *status;
  finish_output();
  count_oom_kills();
  exit_evidence evidence;
  evidence.status = *status;
  evidence.signature = signatures_.best();
  evidence.oom_kills = oom_kills_;
  evidence.was_starting = !serving_;
  end(ending{ending::kind::exited, classify_exit(evidence)});
}

// --- starting -------------------------------------------------------------------------------------------------------

task<void> incarnation::watch_probe() {
  auto starting = probe_until_ready();
  const bool ready = co_await std::move(starting);
  if (!ready || ending_) co_return;
  begin_serving();
  if (!who_.service.health) co_return;
  if (who_.service.start_probe) {
    auto resolved = resolve_probe(*who_.service.health, who_);
    if (!resolved) co_return;
    *probe_ = std::move(*resolved);
  }
  auto watching = probe_while_serving();
  co_await std::move(watching);
}

task<bool> incarnation::probe_until_ready() {
  const context here = co_await this_context();
  const auto& clock = cluster_.world.clock;
  duration pause = first_start_probe_pause;
  instant looked_at = clock.now();
  const duration longest = std::min(probe_->spec->interval, longest_start_probe_pause);
  for (;;) {
    const instant due_then = answer_due();
    auto asking = run_probe(cluster_.world, *probe_);
    const probe_result answer = co_await std::move(asking);
    if (here.cancelled()) co_return false;
    cluster_.overslept(due_then);
    if (answer.what == probe_result::outcome::success) co_return true;
    note_not_ready(answer);
    const duration since = clock.now() - std::exchange(looked_at, clock.now());
    if (answer.what == probe_result::outcome::not_run) {
      // A question that could not be put says nothing about time either.
      start_cap_ = saturating_add(start_cap_, since);
      stall_at_ = saturating_add(stall_at_, since);
    }
    measure_start_progress();
    if (start_overdue()) co_return false;
    const instant due = std::min({saturating_add(clock.now(), pause), start_cap_, stall_at_});
    const auto interrupted = co_await clock.sleep_until(due);
    if (interrupted) co_return false;
    cluster_.overslept(due);
    pause = std::min(2 * pause, longest);
  }
}

void incarnation::note_not_ready(const probe_result& answer) {
  if (answer.what == probe_result::outcome::not_run) {
    listener_.on_probe_error(answer.detail);
    return;
  }
  vitals_.failure_cause = answer.cause;
  vitals_.failure_text = answer.detail;
  const bool wrong_path = answer.http_status == 401 || answer.http_status == 403 || answer.http_status == 404;
  if (!wrong_path || path_warned_ || cluster_.world.clock.now() - spawned_at_ < path_warning_after) return;
  path_warned_ = true;
  listener_.on_probe_error(fmt::format("{} since {}: is the probe's path right?", answer.detail,
                                       format_duration(path_warning_after)));
}

/// An exec probe's remains are cleared away within five seconds more.
instant incarnation::answer_due() const {
  const bool by_command = probe_->spec->type == probe_spec::kind::exec;
  return saturating_add(cluster_.world.clock.now(),
                        probe_->spec->timeout + (by_command ? duration(seconds(5)) : duration::zero()));
}

bool incarnation::start_overdue() {
  const instant now = cluster_.world.clock.now();
  const std::string last = vitals_.failure_text.empty() ? "" : fmt::format("; the last probe: {}", vitals_.failure_text);
  if (now >= start_cap_) {
    end_sick(cause::start_timeout,
             fmt::format("not ready within {}{}", format_duration(who_.service.start.timeout), last));
  } else if (now >= stall_at_) {
    end_sick(cause::start_stalled,
             fmt::format("no sign of progress for {}{}", format_duration(who_.service.start.stall), last));
  }
  return ending_.has_value();
}

void incarnation::note_start_progress() noexcept {
  if (serving_) return;
  stall_at_ = std::max(stall_at_, saturating_add(cluster_.world.clock.now(), who_.service.start.stall));
}

void incarnation::measure_start_progress() {
  const instant now = cluster_.world.clock.now();
  const duration since = now - measured_at_;
  if (since < start_usage_interval) return;
  const process_usage fresh = process_->usage();
  const bool computed = (fresh.cpu_time - measured_.cpu_time) * 100 > since * progress_cpu_percent;
  const bool grew = fresh.rss_bytes > measured_.rss_bytes + progress_rss_bytes;
  if (computed || grew) note_start_progress();
  measured_ = fresh;
  measured_at_ = now;
}

void incarnation::begin_serving() {
  const instant now = cluster_.world.clock.now();
  serving_ = true;
  healthy_since_ = now;
  vitals_ = vitals(now);
  if (heartbeats_on()) watchers_->spawn(watch_heartbeat());
  listener_.on_serving();
}

// --- serving --------------------------------------------------------------------------------------------------------

task<void> incarnation::probe_while_serving() {
  const context here = co_await this_context();
  const auto& clock = cluster_.world.clock;
  const duration interval = probe_->spec->interval;
  const auto steps = static_cast<std::uint64_t>(interval / milliseconds(1)) + 1;
  const duration first = milliseconds(cluster_.world.random.below(steps, "probe phase"));
  instant due = saturating_add(clock.now(), first);
  for (;;) {
    look_due_ = due;
    const auto interrupted = co_await clock.sleep_until(due);
    if (interrupted) co_return;
    cluster_.overslept(due);
    look_due_ = answer_due();
    auto asking = run_probe(cluster_.world, *probe_);
    const probe_result answer = co_await std::move(asking);
    if (here.cancelled()) co_return;
    if (!cluster_.overslept(look_due_)) take_probe(answer);
    look_due_ = instant::max();
    if (clock.now() - measured_at_ >= oom_interval) count_oom_kills();
    evaluate();
    due = std::max(saturating_add(due, interval), clock.now());
  }
}

void incarnation::take_probe(const probe_result& answer) {
  switch (answer.what) {
    case probe_result::outcome::success:
      if (heartbeats_on()) {
        vitals_.record_probe_success();
      } else {
        vitals_.record_probe_success(cluster_.world.clock.now());
      }
      return;
    case probe_result::outcome::failure: vitals_.record_probe_failure(answer.cause, answer.detail); return;
    case probe_result::outcome::not_run:
      // Where successes are the heartbeats, a question that could not be put is not a missed one.
      if (!heartbeats_on()) {
        vitals_.last_heartbeat =
            std::min(cluster_.world.clock.now(), saturating_add(vitals_.last_heartbeat, probe_->spec->interval));
      }
      listener_.on_probe_error(answer.detail);
      return;
  }
}

task<void> incarnation::watch_heartbeat() {
  const auto& clock = cluster_.world.clock;
  constexpr duration instant_after = std::chrono::nanoseconds(1);  // the limits are strict
  for (;;) {
    const duration degraded_at = thresholds_.heartbeat_expected + thresholds_.heartbeat_drift_threshold;
    const duration dead_at = 3 * thresholds_.heartbeat_expected;
    const duration drift = clock.now() - vitals_.last_heartbeat;
    duration wait = thresholds_.heartbeat_expected;
    if (drift <= dead_at) wait = dead_at - drift + instant_after;
    if (drift <= degraded_at) wait = degraded_at - drift + instant_after;
    const instant due = saturating_add(clock.now(), wait);
    const auto interrupted = co_await clock.sleep_until(due);
    if (interrupted) co_return;
    if (!cluster_.overslept(due)) evaluate();
  }
}

task<void> incarnation::watch_memory() {
  const auto& clock = cluster_.world.clock;
  for (;;) {
    const instant due = saturating_add(clock.now(), memory_interval);
    const auto interrupted = co_await clock.sleep_until(due);
    if (interrupted) co_return;
    if (cluster_.overslept(due)) continue;
    vitals_.rss_bytes = process_->usage().rss_bytes;
    evaluate();
  }
}

// Where no probe looks now and then.
task<void> incarnation::watch_oom() {
  for (;;) {
    const auto interrupted = co_await cluster_.world.clock.sleep_for(oom_interval);
    if (interrupted) co_return;
    count_oom_kills();
  }
}

void incarnation::tell_when_stable() { watchers_->spawn(watch_stability()); }

task<void> incarnation::watch_stability() {
  const auto& clock = cluster_.world.clock;
  for (;;) {
    const duration left = who_.service.restart.reset_after - healthy_for();
    if (left <= duration::zero()) break;
    const auto interrupted = co_await clock.sleep_for(left);
    if (interrupted) co_return;
  }
  listener_.on_stable();
}

void incarnation::evaluate() {
  if (!serving_ || ending_ || cluster_.overslept(look_due_)) return;
  const instant now = cluster_.world.clock.now();
  const diagnosis found = diagnose(vitals_, thresholds_, now);
  const health_status before = tracker_.published().status;
  const diagnosis& published = tracker_.update(found);
  if (published.status != health_status::healthy) {
    longest_healthy_ = healthy_for();
    healthy_since_.reset();
  } else if (!healthy_since_) {
    healthy_since_ = now;
  }
  if (published.status != before) listener_.on_health(published);
  const bool sick = published.status == health_status::unhealthy || published.status == health_status::dead;
  if (sick && listener_.may_take_down(published)) {
    end_sick(published.cause.value_or(cause::unknown), published.reason);
  }
}

void incarnation::count_oom_kills() {
  measured_at_ = cluster_.world.clock.now();
  const std::uint64_t kills = process_->oom_kills();
  if (kills <= oom_kills_) return;
  oom_kills_ = kills;
  listener_.on_oom_kills(oom_kills_);
}

duration incarnation::healthy_for() const noexcept {
  const duration stretch = healthy_since_ ? cluster_.world.clock.now() - *healthy_since_ : duration::zero();
  return std::max(longest_healthy_, stretch);
}

void incarnation::heartbeat() {
  vitals_.record_heartbeat(cluster_.world.clock.now());
  note_start_progress();
  evaluate();
}

void incarnation::report_request(duration took, bool success) {
  vitals_.record_request(took, success);
  evaluate();
}

void incarnation::notify(const sd_notification& what) {
  if (what.watchdog) heartbeat();
  if (what.ready) note_start_progress();
  if (what.extend_timeout_usec && !serving_) {
    const auto extension = std::chrono::microseconds(
        std::min<std::uint64_t>(*what.extend_timeout_usec, std::chrono::microseconds(std::chrono::hours(24)).count()));
    stall_at_ = std::max(stall_at_, saturating_add(cluster_.world.clock.now(), extension));
  }
  if (what.watchdog_trigger) {
    while (vitals_.consecutive_failures < thresholds_.max_consecutive_failures) {
      vitals_.record_probe_failure(cause::hung, "it reported itself broken (WATCHDOG=trigger)");
    }
    evaluate();
  }
}

void incarnation::forgive(duration late) {
  vitals_.last_heartbeat = cluster_.world.clock.now();
  vitals_.consecutive_failures = 0;
  start_cap_ = saturating_add(start_cap_, late);
  note_start_progress();
}

// --- ending ---------------------------------------------------------------------------------------------------------

task<bool> incarnation::wait_for_exit(duration grace) {
  const auto& clock = cluster_.world.clock;
  for (;;) {
    const deadline limit = clock.after(grace);
    auto waiting = process_->wait(limit);
    const auto status = co_await cancelled_by(cluster_.patience, std::move(waiting));
    if (status) {
      exit_ = *status;
      co_return true;
    }
    if (status.error() == errc::cancelled || !cluster_.overslept(limit.at())) co_return false;
  }
}

/// True when nothing of it is left.
task<bool> incarnation::stop_gently(bool sick) {
  const stop_spec& how = who_.service.stop;
  if (sick && how.diagnostic_signal != 0) {
    process_->signal(how.diagnostic_signal, signal_reach::leader);
    auto waiting = wait_for_exit(diagnostic_grace);
    const bool gone = co_await std::move(waiting);
    if (gone) co_return !process_->tree_alive();
  }
  const auto& clock = cluster_.world.clock;
  const deadline limit = clock.after(how.timeout);
  process_->signal(how.signal, signal_reach::group);
  // A stopped process would keep the signal pending; systemd.kill(5) does the same.
  process_->signal(SIGCONT, signal_reach::group);
  auto waiting = wait_for_exit(how.timeout);
  const bool gone = co_await std::move(waiting);
  if (!gone) co_return false;
  // What the leader started may still be finishing its work.
  while (process_->tree_alive()) {
    if (limit.passed(clock.now()) || cluster_.patience.cancelled()) co_return false;
    co_await clock.sleep_for(leftover_poll);
  }
  co_return true;
}

task<bool> incarnation::clear_away(bool sick) {
  bool gone = false;
  if (exit_) {
    gone = !process_->tree_alive();
  } else {
    auto stopping = stop_gently(sick);
    gone = co_await std::move(stopping);
  }
  if (!gone) {
    auto killing = process_->kill_tree(cluster_.world.clock.after(kill_patience));
    const std::error_code survived = co_await std::move(killing);
    gone = !survived;
  }
  if (gone && !exit_) {
    auto waiting = process_->wait(cluster_.world.clock.after(kill_patience));
    const auto status = co_await std::move(waiting);
    if (status) exit_ = *status;
  }
  if (gone) process_.reset();  // which brings its last words
  finish_output();
  co_return gone;
}

// --- output ---------------------------------------------------------------------------------------------------------

void incarnation::on_output(output_stream from, std::string_view bytes) noexcept {
  note_start_progress();
  lines_[static_cast<std::size_t>(from)].feed(
      bytes, [&](std::string_view line, bool goes_on) { take_line(from, line, goes_on); });
  flush_log();
}

void incarnation::flush_log() {
  log_.flush();
  const std::uint64_t lost = log_.lines_lost();
  const instant now = cluster_.world.clock.now();
  if (lost <= lines_lost_told_ || now < saturating_add(lines_lost_told_at_, lines_lost_pause)) return;
  lines_lost_told_ = lost;
  lines_lost_told_at_ = now;
  listener_.on_lines_lost(lost);
}

void incarnation::take_line(output_stream from, std::string_view line, bool goes_on) {
  log_line record;
  record.at = cluster_.world.clock.wall();
  record.incarnation = who_.incarnation;
  record.stream = from;
  record.goes_on = goes_on;
  record.text = line;
  log_.append(record);
  if (const auto match = signatures_.scan_line(line)) listener_.on_signature(*match);
}

void incarnation::finish_output() {
  for (const output_stream from : {output_stream::out, output_stream::err}) {
    lines_[static_cast<std::size_t>(from)].finish(
        [&](std::string_view line, bool goes_on) { take_line(from, line, goes_on); });
  }
  flush_log();
}

}  // namespace hale
