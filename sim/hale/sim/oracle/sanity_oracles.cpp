#include "hale/sim/oracle/sanity_oracles.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "hale/base/text.hpp"
#include "hale/sim/oracle/bounds.hpp"

namespace hale::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// --- 16 -------------------------------------------------------------------------------------------------------------

class bounded final : public oracle {
 public:
  explicit bounded(const oracle_context& of)
      : oracle(16, "bounded", "nothing grows with the length of the run"), context_(of) {}

  void on_tick() override {
    premise();
    // Each instance has a handful of watchers and each server a handful of connections with their limits.
    const std::size_t processes = context_.play.place().processes().size();
    const std::size_t bound = 200 + 60 * context_.history.instances().size() + 200 * processes;
    const std::size_t pending = context_.play.time().pending();
    if (pending > bound) violated(fmt::format("{} timers and steps wait; {} is the bound", pending, bound));
  }

 private:
  oracle_context context_;
};

// --- 25 -------------------------------------------------------------------------------------------------------------

class no_false_positive final : public oracle {
 public:
  explicit no_false_positive(const oracle_context& of)
      : oracle(25, "no_false_positive", "where nothing is wrong nothing is done"), context_(of) {}

  void on_phase(run_phase phase) override { ending_ = phase == run_phase::end || phase == run_phase::over; }
  void on_tick() override {
    if (!ending_ && context_.faults.injected() == 0) premise();
  }
  void on_event(const event& what) noexcept override {
    if (ending_ || context_.faults.injected() > 0) return;
    const bool is_deed = what.kind == event_kind::action || what.kind == event_kind::alert ||
                         what.kind == event_kind::exit || what.kind == event_kind::oom;
    if (!is_deed) return;
    violated(fmt::format("{} of {} without any fault: {}", to_string(what.kind), what.instance, what.reason));
  }

 private:
  oracle_context context_;
  bool ending_ = false;
};

// --- 28 -------------------------------------------------------------------------------------------------------------

/// Faults that may make no difference to any judgement: clocks, and the supervisor's own sleep.
bool must_not_matter(fault_kind kind) {
  switch (kind) {
    case fault_kind::wall_step:
    case fault_kind::stop_supervisor:
    case fault_kind::late_reap:
    case fault_kind::pid_reuse:
    case fault_kind::disk_full: return true;
    default: return false;
  }
}

class clock_immunity final : public oracle {
 public:
  explicit clock_immunity(const oracle_context& of)
      : oracle(28, "clock_immunity", "clocks that jump and a supervisor that slept cost nobody anything"),
        context_(of) {}

  void on_fault(const injected_fault& what) override {
    if (what.kind == fault_kind::stop_supervisor) ++stops_;
    if (what.instance.empty() && !must_not_matter(what.kind)) ++other_active_;
    if (must_not_matter(what.kind)) premise();
  }
  void on_fault_over(const injected_fault& what) override {
    const instant now = context_.history.now();
    if (what.kind == fault_kind::stop_supervisor) {
      --stops_;
      stop_over_ = now;
    }
    if (what.instance.empty() && !must_not_matter(what.kind)) {
      --other_active_;
      other_over_ = now;
    }
  }
  void on_event(const event& what) noexcept override {
    const instant now = context_.history.now();
    const bool slept = stops_ > 0 || now - stop_over_ < seconds(30);
    if (what.kind == event_kind::supervisor && what.to == "overslept" && !slept) {
      violated(fmt::format("it says it overslept, and did not: {}", what.reason));
    }
    if (what.kind != event_kind::action || what.action != "restart" || !what.cause) return;
    switch (*what.cause) {
      case cause::hung:
      case cause::no_heartbeat:
      case cause::probe_failed: break;
      default: return;
    }
    const instance_record* const one = context_.history.find(what.instance);
    if (one == nullptr) return;
    premise();
    const duration memory = 2 * detection_bound(*one->service);
    const bool to_blame = other_active_ > 0 || now - other_over_ < memory || one->faults_active > 0 ||
                          now - std::max(one->last_disturbed, instant{}) < memory;
    if (to_blame) return;
    violated(fmt::format("{} was well and was taken down: {}", what.instance, what.reason));
  }

 private:
  oracle_context context_;
  int stops_ = 0;
  int other_active_ = 0;
  instant stop_over_{-std::chrono::hours(1)};
  instant other_over_{-std::chrono::hours(1)};
};

// --- 29 -------------------------------------------------------------------------------------------------------------

class detection_time final : public oracle {
 public:
  explicit detection_time(const oracle_context& of)
      : oracle(29, "detection_time", "what breaks is noticed as fast as the probes allow"), context_(of) {}

  void on_phase(run_phase phase) override {
    constexpr std::size_t enough = 20;
    auto times = context_.history.detections();
    if (phase != run_phase::over || times.size() < enough) return;
    std::sort(times.begin(), times.end());
    duration bound{};
    for (const service_spec& service : context_.play.spec().services) {
      // A server that hangs or fails its requests is well to a probe that only connects.
      if (!service.health || service.health->type != probe_spec::kind::http) return;
      bound = std::max(bound, detection_bound(service));
    }
    premise();
    const duration median = times[times.size() / 2];
    if (median > bound) {
      violated(fmt::format("half of all outages took more than {} to be noticed; {} is the bound",
                           format_duration(median), format_duration(bound)));
    }
  }

 private:
  oracle_context context_;
};

// --- 30 -------------------------------------------------------------------------------------------------------------

class work_bound final : public oracle {
 public:
  explicit work_bound(const oracle_context& of)
      : oracle(30, "work_bound", "the supervisor does a bounded amount of work"), context_(of) {}

  void on_tick() override {
    constexpr int ticks_a_look = 12;  // one minute
    constexpr std::uint64_t steps_per_instance = 60 * 300;
    if (++ticks_ % ticks_a_look != 0) return;
    const std::uint64_t steps = context_.play.supervisor_steps();
    const std::uint64_t done = steps - std::min(steps, before_);
    before_ = steps;
    premise();
    const std::uint64_t bound = steps_per_instance * (1 + context_.history.instances().size());
    if (done > bound) violated(fmt::format("{} steps of the supervisor in a minute; {} is the bound", done, bound));
  }

 private:
  oracle_context context_;
  int ticks_ = 0;
  std::uint64_t before_ = 0;
};

}  // namespace

void add_sanity_oracles(judge& to) {
  const oracle_context& of = to.context();
  to.add(std::make_unique<bounded>(of));
  to.add(std::make_unique<no_false_positive>(of));
  to.add(std::make_unique<clock_immunity>(of));
  to.add(std::make_unique<detection_time>(of));
  to.add(std::make_unique<work_bound>(of));
}

}  // namespace hale::sim
