#include "hale/sim/oracle/event_oracles.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "hale/base/text.hpp"
#include "hale/sim/oracle/bounds.hpp"

namespace hale::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// --- 17 -------------------------------------------------------------------------------------------------------------

/// The table of behaviour §2, written down a second time: one line a state, with those it may lead to.
bool may_follow(std::string_view from, std::string_view to) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> successors = {{
      {"stopped", " waiting "},
      {"waiting", " starting foreign cooling held stopped "},
      {"starting", " serving stopping waiting cooling held finished "},
      {"serving", " stopping waiting cooling held finished "},
      {"stopping", " stopped waiting cooling held "},
      {"cooling", " waiting stopped "},
      {"held", " waiting stopped "},
      {"foreign", " waiting stopped "},
      {"finished", " waiting stopped "},
  }};
  const auto is_from = [&](const auto& one) { return one.first == from; };
  const auto row = std::find_if(successors.begin(), successors.end(), is_from);
  return row != successors.end() && row->second.find(fmt::format(" {} ", to)) != std::string_view::npos;
}

class legality final : public oracle {
 public:
  legality() : oracle(17, "legality", "every transition is in the table, and begins where the last one ended") {}

  void on_event(const event& what) noexcept override {
    if (what.kind == event_kind::supervisor && what.to == "running") states_.clear();
    if (what.kind != event_kind::state) return;
    premise();
    std::string& state = states_[what.instance];
    if (state.empty()) state = "stopped";
    if (what.from != state) {
      violated(fmt::format("{} was {}, and is told to have left {}", what.instance, state, what.from));
    } else if (!may_follow(what.from, what.to)) {
      violated(fmt::format("{} went from {} to {}", what.instance, what.from, what.to));
    }
    state = what.to;
  }

 private:
  std::map<std::string, std::string, std::less<>> states_;
};

// --- 26 -------------------------------------------------------------------------------------------------------------

bool is_crash(int signal) {
  constexpr std::array<int, 5> crashes = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  return std::find(crashes.begin(), crashes.end(), signal) != crashes.end();
}

class cause_precedes final : public oracle {
 public:
  explicit cause_precedes(const oracle_context& of)
      : oracle(26, "cause_precedes", "every action names a cause, and what it names has happened"), context_(of) {}

  void on_exit(const simulated_process& which) override {
    if (!which.is_leader()) return;
    exit_record& one = exits_[which.instance()];
    one.incarnation = which.incarnation();
    one.status = which.status();
    one.oom = which.tree()->oom_kills > 0;
  }

  void on_event(const event& what) noexcept override {
    const bool tells_why = what.kind == event_kind::action || what.kind == event_kind::alert;
    if (tells_why) {
      premise();
      if (!what.cause) violated(fmt::format("{} of {} without a cause", to_string(what.kind), what.instance));
      if (what.reason.empty()) violated(fmt::format("{} of {} without a reason", to_string(what.kind), what.instance));
    }
    if (what.kind == event_kind::exit && what.cause) check_exit(what);
    if (what.kind == event_kind::action && what.action == "restart" && what.cause) check_verdict(what);
  }

 private:
  struct exit_record {
    std::uint64_t incarnation = 0;
    exit_status status;
    bool oom = false;
  };

  void check_exit(const event& what) {
    const auto found = exits_.find(what.instance);
    if (found == exits_.end() || found->second.incarnation != what.incarnation.value()) return;
    premise();
    const exit_record& truth = found->second;
    const auto* code = std::get_if<exited>(&truth.status);
    const auto* signal = std::get_if<signalled>(&truth.status);
    bool fits = true;
    switch (*what.cause) {
      case cause::oom_killed: fits = truth.oom; break;
      case cause::crash: fits = signal != nullptr && is_crash(signal->signal); break;
      case cause::exit_clean: fits = code != nullptr && code->code == 0; break;
      case cause::exit_error: fits = code != nullptr && code->code != 0; break;
      case cause::killed_by_signal: fits = signal != nullptr && !is_crash(signal->signal) && !truth.oom; break;
      default: break;
    }
    if (fits) return;
    violated(fmt::format("{} is said to have ended by {}, and did not", what.instance, to_string(*what.cause)));
  }

  /// A verdict on a living process: something must have been the matter with it not long ago.
  void check_verdict(const event& what) {
    const instance_record* const one = context_.history.find(what.instance);
    if (one == nullptr) return;
    duration memory = 2 * detection_bound(*one->service);
    switch (*what.cause) {
      case cause::hung:
      case cause::no_heartbeat:
      case cause::probe_failed: break;
      // A rate stands until further requests change it, and its verdict may have had to wait for siblings.
      case cause::high_error_rate: memory += context_.history.now() - one->born; break;
      case cause::start_stalled: memory += one->service->start.stall; break;
      case cause::start_timeout: memory += one->service->start.timeout; break;
      default: return;
    }
    premise();
    if (context_.history.undisturbed_for(*one) <= memory) return;
    violated(fmt::format("{} was taken down for {} though nothing had been the matter with it for {}: {}",
                         what.instance,
                         to_string(*what.cause), format_duration(context_.history.undisturbed_for(*one)), what.reason));
  }

  oracle_context context_;
  std::map<std::string, exit_record, std::less<>> exits_;
};

}  // namespace

void add_event_oracles(judge& to) {
  to.add(std::make_unique<legality>());
  to.add(std::make_unique<cause_precedes>(to.context()));
}

}  // namespace hale::sim
