// An oracle watches one promise and says when it is broken. It judges by the truth of the simulation; what the
// supervisor says is evidence only where the promise is about what it says. Write one of your own by deriving from it:
//
//     class calm final : public sim::oracle {
//      public:
//       calm() : oracle(100, "calm", "nobody is ever alerted") {}
//       void on_event(const event& what) noexcept override {
//         premise();
//         if (what.kind == event_kind::alert) violated(what.reason);
//       }
//     };
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hale/sim/oracle/chronicle.hpp"

namespace hale::sim {

/// The parts of a run: everything comes up; faults strike; a core is healed and all other faults stay for good; nothing
/// may happen any more; the cluster is stopped.
enum class run_phase { warm, chaos, heal, quiet, end, over };
std::string_view to_string(run_phase phase) noexcept;

struct violation {
  int oracle = 0;
  std::string name;
  std::string what;
  instant at{};
};

class judge;

class oracle : public truth_observer, public fault_observer, public event_sink {
 public:
  /// `number` is that of the list in sim/hale/sim/oracle/README.md; yours are from 100 on. The texts are literals.
  oracle(int number, std::string_view name, std::string_view promise) noexcept
      : number_(number), name_(name), promise_(promise) {}
  oracle(const oracle&) = delete;
  oracle& operator=(const oracle&) = delete;
  virtual ~oracle() = default;

  int number() const noexcept { return number_; }
  std::string_view name() const noexcept { return name_; }
  std::string_view promise() const noexcept { return promise_; }
  /// How often there was something to judge: an oracle that never had is no proof of anything.
  std::uint64_t premises() const noexcept { return premises_; }

  void on_event(const event&) noexcept override {}
  /// Every five seconds of the simulation.
  virtual void on_tick() {}
  virtual void on_phase(run_phase) {}

 protected:
  void premise() noexcept { ++premises_; }
  /// The first call in a run ends it.
  void violated(std::string what) noexcept;

 private:
  friend class judge;
  int number_;
  std::string_view name_;
  std::string_view promise_;
  std::uint64_t premises_ = 0;
  judge* judge_ = nullptr;
};

/// What oracles may look at. All of it outlives them.
struct oracle_context {
  stage& play;
  injector& faults;
  const chronicle& history;
  const std::set<std::string, std::less<>>& core;  ///< from phase heal on
};

class judge {
 public:
  explicit judge(oracle_context of) : context_(of) {}

  const oracle_context& context() const noexcept { return context_; }
  void add(std::unique_ptr<oracle> one);
  const std::vector<std::unique_ptr<oracle>>& oracles() const noexcept { return oracles_; }
  void tick();
  void enter(run_phase phase);
  run_phase phase() const noexcept { return phase_; }
  const std::optional<violation>& verdict() const noexcept { return verdict_; }
  /// For what the run itself finds.
  void condemn(int number, std::string_view name, std::string what);

 private:
  friend class oracle;
  oracle_context context_;
  std::vector<std::unique_ptr<oracle>> oracles_;
  run_phase phase_ = run_phase::warm;
  std::optional<violation> verdict_;
};

}  // namespace hale::sim
