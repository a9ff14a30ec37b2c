#include "hale/sim/fault/injector.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>

#include "hale/base/error.hpp"
#include "hale/sim/program/strangers.hpp"

namespace hale::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr duration minute = minutes(1);

void nothing() {}

spawn_error trouble_of(int number, std::string step) {
  spawn_error trouble;
  trouble.code = system_error(number);
  trouble.step = std::move(step);
  return trouble;
}

}  // namespace

injector::injector(stage& on, fault_plan plan)
    : stage_(on), plan_(std::move(plan)), node_(on.time().add_node("faults")), counts_(fault_catalogue().size()) {}

injector::~injector() { stage_.time().retire(node_); }

void injector::start() {
  for (const planned_fault& one : plan_) node_.start(run_kind(one));
}

void injector::heal(const std::set<std::string, std::less<>>& core) {
  stopped_ = true;
  core_ = core;
  healed_.wake_all();
}

void injector::heal_all() {
  stopped_ = true;
  heal_others_ = true;
  healed_.wake_all();
}

void injector::inject(fault_kind kind, std::string instance, duration length) {
  node_.start(strike(kind, std::move(instance), length));
}

std::uint64_t injector::draw(std::uint64_t bound, fault_kind kind, std::string_view what) {
  return stage_.time().chance().below(bound, fmt::format("fault.{}.{}", describe(kind).name, what));
}

duration injector::draw_length(const fault_description& of) {
  const auto steps = static_cast<std::uint64_t>(of.longest / milliseconds(100));
  if (steps == 0) return duration::zero();
  return milliseconds(100) * static_cast<std::int64_t>(1 + draw(steps, of.kind, "length"));
}

/// Once a minute, for everybody it may strike.
task<void> injector::run_kind(planned_fault what) {
  const fault_description& known = describe(what.kind);
  choices& chance = stage_.time().chance();
  const label_id label = chance.label(fmt::format("fault.{}", known.name));
  std::vector<std::string> targets;
  if (known.scope == fault_scope::instance) {
    for (const auto& [name, played] : stage_.actors().roles()) targets.push_back(name);
  } else {
    targets.emplace_back();
  }
  for (instant next = stage_.time().now(); !stopped_;) {
    for (const std::string& target : targets) {
      if (!chance.chance(what.per_minute, label)) continue;
      const duration wait = milliseconds(draw(static_cast<std::uint64_t>(minute / milliseconds(1)), what.kind, "at"));
      node_.start(strike_later(what.kind, target, wait));
    }
    next += minute;
    co_await healed_.wait(deadline(next));
  }
}

task<void> injector::strike_later(fault_kind kind, std::string instance, duration wait) {
  co_await healed_.wait(deadline(stage_.time().now() + wait));
  if (stopped_) co_return;
  const duration length = draw_length(describe(kind));
  auto striking = strike(kind, std::move(instance), length);
  co_await std::move(striking);
}

task<void> injector::strike(fault_kind kind, std::string instance, duration length) {
  injected_fault what;
  what.kind = kind;
  what.instance = instance;
  what.since = stage_.time().now();
  std::optional<undo> back = apply(kind, instance, length, what.detail);
  if (!back) co_return;
  what.number = ++next_number_;
  ++counts_[static_cast<std::size_t>(kind)];
  stage_.time().record().note("fault", what.number * 64 + static_cast<std::uint64_t>(kind));
  active_.emplace(what.number, what);
  tell_begin(what);
  const instant until = stage_.time().now() + length;
  for (;;) {
    const bool mine = instance.empty() || core_.contains(instance) || heal_others_;
    const bool over = stage_.time().now() >= until;
    if (stopped_ ? mine : over) break;
    const deadline limit = stopped_ ? deadline::never() : deadline(until);
    co_await healed_.wait(limit);
  }
  (*back)();
  active_.erase(what.number);
  tell_end(what);
}

void injector::tell_begin(const injected_fault& what) {
  for (fault_observer* one : observers_) one->on_fault(what);
}

void injector::tell_end(const injected_fault& what) {
  for (fault_observer* one : observers_) one->on_fault_over(what);
}

// --- effects --------------------------------------------------------------------------------------------------------

std::optional<injector::undo> injector::apply(fault_kind kind, const std::string& instance, duration length,
                                              std::string& detail) {
  if (describe(kind).scope == fault_scope::machine) return apply_to_machine(kind, length, detail);
  role* const whom = stage_.actors().find(instance);
  if (whom == nullptr) return std::nullopt;
  auto done = apply_to_process(kind, *whom, detail);
  return done ? done : apply_to_instance(kind, *whom, length, detail);
}

/// Changes the condition of the process that runs now, and only as long as that runs.
std::optional<injector::undo> injector::worsen(role& whom, void (*how)(server_condition&),
                                               void (*back)(server_condition&)) {
  const simulated_process* const leader = stage_.place().find_leader(whom.instance().name);
  if (leader == nullptr) return std::nullopt;
  how(whom.condition);
  whom.condition.changed.wake_all();
  return [this, &whom, back, serial = leader->serial()] {
    const simulated_process* const now = stage_.place().find_leader(whom.instance().name);
    if (now == nullptr || now->serial() != serial) return;
    back(whom.condition);
    whom.condition.changed.wake_all();
  };
}

/// How it went: with a signal, an exit code, or an exit code after last words that promise the same again.
std::string injector::crash(simulated_process& leader) {
  constexpr int signals[] = {0, SIGSEGV, SIGABRT, SIGBUS, SIGILL, 0};
  const std::uint64_t way = draw(std::size(signals), fault_kind::crash, "how");
  if (signals[way] != 0) {
    stage_.place().deliver(leader, signals[way], signal_sender::stranger);
    return fmt::format("signal {}", signals[way]);
  }
  if (way != 0) leader.print("error: cannot write the cache: No space left on device\n");
  stage_.place().end(leader, exited{1});
  return way != 0 ? "exit 1, no space left" : "exit 1";
}

std::optional<injector::undo> injector::apply_to_process(fault_kind kind, role& whom, std::string& detail) {
  machine& place = stage_.place();
  simulated_process* const leader = place.find_leader(whom.instance().name);
  if (leader == nullptr) return std::nullopt;
  const std::uint64_t serial = leader->serial();
  const auto same = [&place, &whom, serial]() -> simulated_process* {
    simulated_process* const now = place.find_leader(whom.instance().name);
    return now != nullptr && now->serial() == serial ? now : nullptr;
  };
  switch (kind) {
    case fault_kind::crash: detail = crash(*leader); return nothing;
    case fault_kind::kill: place.deliver(*leader, SIGKILL, signal_sender::stranger); return nothing;
    case fault_kind::exit_clean: place.end(*leader, exited{0}); return nothing;
    case fault_kind::freeze:
      place.deliver(*leader, SIGSTOP, signal_sender::stranger);
      return [same, &place] {
        if (simulated_process* const now = same()) place.deliver(*now, SIGCONT, signal_sender::stranger);
      };
    case fault_kind::stuck:
      place.set_stuck(*leader, true);
      return [serial, &place] {
        for (const auto& [pid, one] : place.processes()) {
          if (one->serial() != serial) continue;
          const auto kept = one;
          place.set_stuck(*kept, false);
          return;
        }
      };
    case fault_kind::oom:
      return worsen(whom, [](server_condition& c) { c.leak_bytes_per_second = std::uint64_t{256} << 20; },
                    [](server_condition& c) { c.leak_bytes_per_second = 0; });
    case fault_kind::hang:
      return worsen(whom, [](server_condition& c) { c.hung = true; }, [](server_condition& c) { c.hung = false; });
    case fault_kind::grey:
      return worsen(whom, [](server_condition& c) { c.grey = true; }, [](server_condition& c) { c.grey = false; });
    case fault_kind::wrong:
      return worsen(whom, [](server_condition& c) { c.wrong = true; }, [](server_condition& c) { c.wrong = false; });
    case fault_kind::mute:
      return worsen(whom, [](server_condition& c) { c.mute = true; }, [](server_condition& c) { c.mute = false; });
    case fault_kind::slow:
      return worsen(whom, [](server_condition& c) { c.slow_by = milliseconds(2500); },
                    [](server_condition& c) { c.slow_by = duration::zero(); });
    default: return std::nullopt;
  }
}

std::optional<injector::undo> injector::apply_to_instance(fault_kind kind, role& whom, duration length,
                                                          std::string& detail) {
  server_condition& condition = whom.condition;
  const std::string name = whom.instance().name;
  const std::uint16_t port = whom.instance().port;
  machine& place = stage_.place();
  switch (kind) {
    case fault_kind::slow_start:
      condition.load_factor = static_cast<std::uint32_t>(2 + draw(99, kind, "how"));
      detail = fmt::format("{} times", condition.load_factor);
      return [&condition] { condition.load_factor = 1; };
    case fault_kind::fail_start:
      condition.failing_starts = static_cast<std::uint32_t>(1 + draw(6, kind, "how"));
      detail = fmt::format("{} starts", condition.failing_starts);
      return [&condition] { condition.failing_starts = 0; };
    case fault_kind::ignore_term:
      condition.ignores_term = true;
      return [&condition] { condition.ignores_term = false; };
    case fault_kind::grandchild:
      condition.leaves_grandchild = true;
      return [&condition] { condition.leaves_grandchild = false; };
    case fault_kind::jitter: {
      if (!whom.service->heartbeat) return std::nullopt;
      condition.heartbeat_jitter = 3 * whom.service->heartbeat->expected;
      return [&condition] {
        condition.heartbeat_jitter = duration::zero();
        condition.changed.wake_all();
      };
    }
    case fault_kind::exec_error: {
      if (stage_.seat() == nullptr) return std::nullopt;
      constexpr int ways[] = {EAGAIN, ENOENT, EACCES, ENOEXEC, ETXTBSY};
      const int way = ways[draw(std::size(ways), kind, "how")];
      detail = system_error(way).message();
      stage_.seat()->host().troubles().spawn_of[name] = trouble_of(way, "exec");
      return [this, name] {
        if (stage_.seat() != nullptr) stage_.seat()->host().troubles().spawn_of.erase(name);
      };
    }
    case fault_kind::port_thief: {
      if (port == 0) return std::nullopt;
      const bool answers = draw(2, kind, "how") == 1;
      detail = answers ? "that answers" : "that does not answer";
      process_spec stranger;
      stranger.argv = {"stranger"};
      const auto thief = place.spawn(std::move(stranger), port_thief(port, answers, length + minutes(1)));
      if (simulated_process* const leader = place.find_leader(name)) {
        place.deliver(*leader, SIGKILL, signal_sender::stranger);
      }
      return [thief, &place] { place.deliver(*thief, SIGKILL, signal_sender::stranger); };
    }
    case fault_kind::drop:
      if (port == 0) return std::nullopt;
      stage_.net().swallow_connects(place, port, true);
      return [this, &place, port] { stage_.net().swallow_connects(place, port, false); };
    case fault_kind::restart_command:
      stage_.tell_supervisor([name](hale::supervisor& cluster) -> task<void> {
        auto acting = cluster.restart(name, false);
        co_await std::move(acting);
      });
      return nothing;
    case fault_kind::stop_command:
      stage_.tell_supervisor([name](hale::supervisor& cluster) -> task<void> {
        auto acting = cluster.stop(name);
        co_await std::move(acting);
      });
      return [this, name] {
        stage_.tell_supervisor([name](hale::supervisor& cluster) -> task<void> {
          auto acting = cluster.start(name, false);
          co_await std::move(acting);
        });
      };
    default: return std::nullopt;
  }
}

std::optional<injector::undo> injector::apply_to_machine(fault_kind kind, duration length, std::string& detail) {
  machine& place = stage_.place();
  weather& sky = stage_.net().conditions();
  if (stage_.seat() == nullptr || stage_.supervisor() == nullptr) return std::nullopt;
  seat& chair = *stage_.seat();
  switch (kind) {
    case fault_kind::memory_hog: {
      const std::uint64_t whole = place.memory_for_processes();
      const std::uint64_t free = whole - std::min(whole, place.memory_used());
      const std::uint64_t wanted = free / 4 * (3 + draw(4, kind, "how"));
      detail = fmt::format("{} MiB", wanted >> 20);
      process_spec stranger;
      stranger.argv = {"hog"};
      const auto hog = place.spawn(std::move(stranger), memory_hog(wanted, length));
      return [hog, &place] { place.deliver(*hog, SIGKILL, signal_sender::stranger); };
    }
    case fault_kind::spawn_error: {
      const int way = draw(2, kind, "how") == 0 ? EAGAIN : ENOMEM;
      detail = system_error(way).message();
      chair.host().troubles().every_spawn = trouble_of(way, "clone");
      return [this] {
        if (stage_.seat() != nullptr) stage_.seat()->host().troubles().every_spawn.reset();
      };
    }
    case fault_kind::late_reap:
      place.set_reaping_delay(milliseconds(100 * (1 + draw(50, kind, "how"))));
      return [&place] { place.set_reaping_delay(duration::zero()); };
    case fault_kind::pid_reuse: place.reuse_next_pid(); return nothing;
    case fault_kind::latency:
      sky.tail = ratio{1 + draw(100, kind, "how"), 1000};
      return [&sky] { sky.tail.numerator = 0; };
    case fault_kind::partial:
      sky.partial = ratio{1 + draw(100, kind, "how"), 100};
      return [&sky] { sky.partial.numerator = 0; };
    case fault_kind::reset:
      sky.reset = ratio{1 + draw(100, kind, "how"), 1000};
      return [&sky] { sky.reset.numerator = 0; };
    case fault_kind::stall:
      sky.stall = ratio{1 + draw(50, kind, "how"), 1000};
      return [&sky] { sky.stall.numerator = 0; };
    case fault_kind::wall_step: {
      const duration by = seconds(static_cast<std::int64_t>(draw(7201, kind, "how")) - 3600);
      detail = fmt::format("{} s", by / seconds(1));
      place.clock().step_wall(by);
      return nothing;
    }
    case fault_kind::disk_full:
      chair.logs().set_full(true);
      return [this] {
        if (stage_.seat() != nullptr) stage_.seat()->logs().set_full(false);
      };
    case fault_kind::stop_supervisor:
      chair.runs_on().stop();
      return [this] {
        if (stage_.seat() != nullptr) stage_.seat()->runs_on().go_on();
      };
    case fault_kind::crash_supervisor: stage_.crash_supervisor(length); return nothing;
    case fault_kind::descriptors:
      chair.limits().no_descriptors = true;
      return [this] {
        if (stage_.seat() != nullptr) stage_.seat()->limits().no_descriptors = false;
      };
    default: return std::nullopt;
  }
}

}  // namespace hale::sim
