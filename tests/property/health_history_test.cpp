// Vitals, diagnosis and the health tracker together, led through random histories. The model keeps the history itself
// and reads status and cause off it by the table of behaviour, section 5; all its arithmetic is exact.
#include <rapidcheck/boost_test.h>
#include <rapidcheck/state.h>

#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "hale/policy/health_tracker.hpp"
#include "hale/policy/vitals.hpp"

namespace {

__extension__ using wide = __int128;
using hale::cause;
using hale::duration;
using hale::health_status;
using hale::instant;

/// A rate or a weight as so many 64ths, exact as a double, too.
struct in_64ths {
  std::int64_t parts = 0;
  double value() const { return static_cast<double>(parts) / 64; }
};

struct rules {
  bool heartbeats_expected = true;
  bool probes_are_heartbeats = false;
  std::int64_t expected = 0;
  std::int64_t drift = 0;
  std::uint32_t max_failures = 1;
  in_64ths weight, degraded, unhealthy;
  std::optional<std::uint64_t> soft, hard;
};

void showValue(const rules& r, std::ostream& out) {
  out << (r.heartbeats_expected ? "heartbeats" : "no heartbeats") << (r.probes_are_heartbeats ? " by probes" : "")
      << " expected " << r.expected << " drift " << r.drift << " failures " << r.max_failures << " weight "
      << r.weight.parts << "/64 rates " << r.degraded.parts << "/64 " << r.unhealthy.parts << "/64 soft "
      << r.soft.value_or(0) << " hard " << r.hard.value_or(0);
}

enum class happening {
  heartbeat,
  probe_ok,
  probe_failed,
  request_ok,
  request_failed,
  memory,
  progress,
  exit,
  time,
  time_to_limit,  ///< until the drift is just before, at or just after a limit
  look,           ///< an evaluation that is published
  reborn,
};

struct observation {
  happening what = happening::look;
  std::int64_t value = 0;
  std::int64_t nudge = 0;  ///< -1, 0 or 1: beside the limit
};

/// One answer of the model.
struct judged {
  health_status status = health_status::healthy;
  std::optional<cause> why;
  bool operator==(const judged&) const = default;
};

constexpr std::size_t most_requests = 8;  // as many as 64^n is exact for in a double

struct model {
  rules by;
  std::int64_t now = 0;
  std::int64_t born = 0;
  std::vector<std::pair<std::int64_t, observation>> history;  ///< of this incarnation
  std::vector<judged> looks;                                  ///< likewise

  std::int64_t drift() const {
    std::int64_t last = born;
    for (const auto& [at, seen] : history) {
      const bool counts = seen.what == happening::heartbeat ||
                          (seen.what == happening::probe_ok && by.probes_are_heartbeats);
      if (counts) last = at;
    }
    return now - last;
  }

  std::vector<observation> failures_in_a_row() const {
    std::vector<observation> failures;
    for (const auto& [at, seen] : history) {
      const bool success = seen.what == happening::heartbeat || seen.what == happening::probe_ok ||
                           seen.what == happening::request_ok;
      const bool failure = seen.what == happening::probe_failed || seen.what == happening::request_failed;
      if (success) failures.clear();
      if (failure) failures.push_back(seen);
    }
    return failures;
  }

  std::vector<observation> requests() const {
    std::vector<observation> found;
    for (const auto& [at, seen] : history) {
      if (seen.what == happening::request_ok || seen.what == happening::request_failed) found.push_back(seen);
    }
    return found;
  }

  /// Whether the moving average of failures is above `limit`. In 64^n-ths: each sample has the share `weight` of what
  /// those after it have left.
  bool rate_above(in_64ths limit) const {
    wide sum = 0;
    wide whole = 1;
    for (const observation& one : requests()) {
      const wide sample = one.what == happening::request_failed ? whole * by.weight.parts : 0;
      sum = sum * (64 - by.weight.parts) + sample;
      whole *= 64;
    }
    return sum * 64 > whole * limit.parts;
  }

  /// The moving average of durations times 64^(n-1), and that factor.
  std::pair<wide, wide> response() const {
    wide sum = 0;
    wide factor = 0;
    for (const observation& one : requests()) {
      if (factor == 0) {
        sum = one.value;
        factor = 1;
        continue;
      }
      sum = sum * (64 - by.weight.parts) + one.value * factor * by.weight.parts;
      factor *= 64;
    }
    return {sum, factor == 0 ? 1 : factor};
  }

  std::optional<observation> last(happening what) const {
    for (std::size_t i = history.size(); i-- > 0;) {
      if (history[i].second.what == what) return history[i].second;
    }
    return std::nullopt;
  }

  judged verdict() const {
    using enum health_status;
    if (last(happening::exit)) return {dead, cause::crash};
    const bool progresses = last(happening::progress).value_or(observation()).value == 1;
    const wide silence = by.heartbeats_expected ? drift() : -1;
    if (silence > wide(3) * by.expected && !progresses) return {dead, cause::no_heartbeat};
    const auto failures = failures_in_a_row();
    if (failures.size() >= by.max_failures) {
      const observation& newest = failures.back();
      if (newest.what == happening::request_failed) return {unhealthy, cause::high_error_rate};
      return {unhealthy, newest.value % 2 == 0 ? cause::probe_failed : cause::hung};
    }
    if (rate_above(by.unhealthy)) return {unhealthy, cause::high_error_rate};
    const auto memory = static_cast<std::uint64_t>(last(happening::memory).value_or(observation()).value);
    if (by.hard && memory > *by.hard) return {unhealthy, cause::memory_limit};
    if (silence > wide(by.expected) + by.drift) return {degraded, cause::no_heartbeat};
    if (rate_above(by.degraded)) return {degraded, cause::high_error_rate};
    if (by.soft && memory > *by.soft) return {degraded, cause::memory_limit};
    return {healthy, std::nullopt};
  }

  /// What is published after the looks so far: well only when the last two were.
  judged published() const {
    if (looks.empty()) return {};
    const judged& newest = looks.back();
    if (newest.status != health_status::healthy || looks.size() < 2) return newest;
    const judged& before = looks[looks.size() - 2];
    if (before.status == health_status::healthy) return newest;
    return {health_status::degraded, before.why};
  }

  /// How much time has to pass for the drift to come near one of its limits; 0 when it is beyond.
  std::int64_t time_to_limit(const observation& step) const {
    const wide limit = step.value % 2 == 0 ? wide(3) * by.expected : wide(by.expected) + by.drift;
    const wide wait = limit + step.nudge - drift();
    return wait > 0 && wait < 1'000'000'000'000'000 ? static_cast<std::int64_t>(wait) : 0;
  }
};

struct subject {
  hale::health_thresholds limits;
  hale::vitals seen;
  hale::health_tracker tracker;
};

class step final : public rc::state::Command<model, subject> {
 public:
  explicit step(const model&) : what_(any()) {}

  void checkPreconditions(const model& before) const override {
    const bool request = what_.what == happening::request_ok || what_.what == happening::request_failed;
    RC_PRE(!request || before.requests().size() < most_requests);
  }

  void apply(model& to) const override {
    switch (what_.what) {
      case happening::time: to.now += what_.value; return;
      case happening::time_to_limit: to.now += to.time_to_limit(what_); return;
      case happening::look: to.looks.push_back(to.verdict()); return;
      case happening::reborn:
        to.history.clear();
        to.looks.clear();
        to.born = to.now;
        return;
      default: to.history.emplace_back(to.now, what_); return;
    }
  }

  void run(const model& before, subject& tested) const override {
    const model after = nextState(before);
    happen(tested, instant(duration(after.now)), after.by);
    const hale::diagnosis found = diagnose(tested.seen, tested.limits, instant(duration(after.now)));
    compare(found, after.verdict());
    if (what_.what == happening::look) tested.tracker.update(found);
    compare(tested.tracker.published(), after.published());
    RC_ASSERT(tested.seen.consecutive_failures == after.failures_in_a_row().size());
    RC_ASSERT(tested.seen.requests == after.requests().size());
    const auto [sum, factor] = after.response();
    const wide off = tested.seen.avg_response.count() * factor - sum;
    // Each step may drop a part of a nanosecond, and hands on most of what those before it dropped.
    RC_ASSERT((off < 0 ? -off : off) <= wide(2 * most_requests) * factor);
  }

  void show(std::ostream& out) const override {
    static const char* const names[] = {"heartbeat", "probe_ok", "probe_failed", "request_ok",
                                        "request_failed", "memory", "progress", "exit",
                                        "time", "time_to_limit", "look", "reborn"};
    out << names[static_cast<std::size_t>(what_.what)] << ' ' << what_.value << ' ' << what_.nudge;
  }

 private:
  static observation any() {
    using enum happening;
    observation drawn;
    drawn.what = *rc::gen::weightedElement<happening>({{3, heartbeat}, {3, probe_ok}, {6, probe_failed},
                                                       {3, request_ok}, {4, request_failed}, {3, memory},
                                                       {1, progress}, {1, time}, {10, time_to_limit}, {8, look}});
    if (*rc::gen::inRange(0, 40) == 39) drawn.what = *rc::gen::element(exit, reborn, reborn);
    drawn.nudge = *rc::gen::inRange(-1, 2);
    drawn.value = drawn.what == memory ? *rc::gen::element(0, 1000, 2000) + drawn.nudge
                  : drawn.what == progress ? *rc::gen::inRange(0, 2)
                                           : *rc::gen::inRange<std::int64_t>(0, 20'000'000'000);
    drawn.value = std::max<std::int64_t>(drawn.value, 0);
    return drawn;
  }

  void happen(subject& to, instant now, const rules& by) const {
    switch (what_.what) {
      case happening::heartbeat: to.seen.record_heartbeat(now); return;
      case happening::probe_ok:
        if (by.probes_are_heartbeats) {
          to.seen.record_probe_success(now);
        } else {
          to.seen.record_probe_success();
        }
        return;
      case happening::probe_failed:
        to.seen.record_probe_failure(what_.value % 2 == 0 ? cause::probe_failed : cause::hung, "told why");
        return;
      case happening::request_ok: to.seen.record_request(duration(what_.value), true); return;
      case happening::request_failed: to.seen.record_request(duration(what_.value), false); return;
      case happening::memory: to.seen.rss_bytes = static_cast<std::uint64_t>(what_.value); return;
      case happening::progress: to.seen.progressing = what_.value == 1; return;
      case happening::exit: to.seen.record_exit(cause::crash, "gone"); return;
      case happening::reborn:
        to.seen = hale::vitals(now);
        to.seen.average_weight = by.weight.value();
        to.tracker.reset();
        return;
      case happening::time:
      case happening::time_to_limit:
      case happening::look: return;
    }
  }

  static void compare(const hale::diagnosis& found, const judged& expected) {
    RC_ASSERT(found.status == expected.status);
    RC_ASSERT((found.cause == expected.why));
    RC_ASSERT(found.reason.empty() == (found.status == health_status::healthy));
    RC_ASSERT(found.reason.find('\n') == std::string::npos);
  }

  observation what_;
};

rules any_rules() {
  rules by;
  by.heartbeats_expected = *rc::gen::weightedElement<bool>({{5, true}, {1, false}});
  by.probes_are_heartbeats = *rc::gen::arbitrary<bool>();
  by.expected = *rc::gen::weightedOneOf<std::int64_t>(
      {{6, rc::gen::inRange<std::int64_t>(1'000'000, 60'000'000'000)}, {1, rc::gen::just(duration::max().count() / 3)},
       {1, rc::gen::just(duration::max().count())}});
  by.drift = *rc::gen::element<std::int64_t>(0, 1, by.expected / 2, by.expected);
  by.max_failures = *rc::gen::inRange<std::uint32_t>(1, 5);
  by.weight.parts = *rc::gen::element<std::int64_t>(16, 32, 64, 6);
  // Rates that one, two or three failures reach exactly, and others.
  by.degraded.parts = *rc::gen::element<std::int64_t>(0, 6, 16, 28, 32, 37, 40);
  by.unhealthy.parts = std::max(by.degraded.parts, *rc::gen::element<std::int64_t>(16, 28, 32, 48, 56, 64));
  if (*rc::gen::arbitrary<bool>()) by.soft = 1000;
  if (*rc::gen::arbitrary<bool>()) by.hard = 2000;
  return by;
}

}  // namespace

RC_BOOST_PROP(the_health_at_every_moment_is_what_the_history_says, ()) {
  model start;
  start.by = any_rules();
  subject tested;
  hale::health_thresholds& limits = tested.limits;
  limits.heartbeats_expected = start.by.heartbeats_expected;
  limits.heartbeat_expected = duration(start.by.expected);
  limits.heartbeat_drift_threshold = duration(start.by.drift);
  limits.max_consecutive_failures = start.by.max_failures;
  limits.degraded_error_rate = start.by.degraded.value();
  limits.unhealthy_error_rate = start.by.unhealthy.value();
  limits.memory_soft_bytes = start.by.soft;
  limits.memory_hard_bytes = start.by.hard;
  tested.seen.average_weight = start.by.weight.value();
  RC_LOG() << "rules: ";
  showValue(start.by, RC_LOG());
  rc::state::check(start, tested, rc::state::gen::execOneOfWithArgs<step>());
}
