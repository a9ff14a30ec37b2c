// The hand that makes things go wrong, as planned and as drawn. Every fault it injects is on record, with whom it
// struck and when it was over, so that oracles can tell deserved verdicts from wrong ones.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hale/async/pulse.hpp"
#include "hale/sim/fault/plan.hpp"
#include "hale/sim/program/stage.hpp"

namespace hale::sim {

/// One fault as it happened; times are the simulation's.
struct injected_fault {
  std::uint64_t number = 0;  ///< from 1
  fault_kind kind{};
  std::string instance;      ///< empty: the machine, or the supervisor
  instant since{};
  std::string detail;
};

class fault_observer {
 public:
  virtual void on_fault(const injected_fault&) {}
  virtual void on_fault_over(const injected_fault&) {}

 protected:
  ~fault_observer() = default;
};

class injector {
 public:
  /// `on` outlives it.
  injector(stage& on, fault_plan plan);
  injector(const injector&) = delete;
  injector& operator=(const injector&) = delete;
  ~injector();

  /// Comes before start().
  void observe(fault_observer& who) { observers_.push_back(&who); }
  void start();
  /// No new faults from now on. What is wrong with the instances in `core`, and with the machine, is put right; what
  /// is wrong with the others stays so.
  void heal(const std::set<std::string, std::less<>>& core);
  /// Puts everything right, also what stayed.
  void heal_all();

  /// Strikes now. For scenarios; `length` is how long it lasts.
  void inject(fault_kind kind, std::string instance, duration length);

  std::uint64_t injected() const noexcept { return next_number_; }
  /// By kind, in the order of the catalogue.
  const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
  /// Faults that are still at work.
  const std::map<std::uint64_t, injected_fault>& active() const noexcept { return active_; }

 private:
  using undo = std::function<void()>;

  task<void> run_kind(planned_fault what);
  task<void> strike_later(fault_kind kind, std::string instance, duration wait);
  task<void> strike(fault_kind kind, std::string instance, duration length);
  /// What undoes it, if anything does; nullopt when it could not strike.
  std::optional<undo> apply(fault_kind kind, const std::string& instance, duration length, std::string& detail);
  std::string crash(simulated_process& leader);
  std::optional<undo> apply_to_process(fault_kind kind, role& whom, std::string& detail);
  std::optional<undo> apply_to_instance(fault_kind kind, role& whom, duration length, std::string& detail);
  std::optional<undo> apply_to_machine(fault_kind kind, duration length, std::string& detail);
  std::optional<undo> worsen(role& whom, void (*how)(server_condition&), void (*back)(server_condition&));
  duration draw_length(const fault_description& of);
  std::uint64_t draw(std::uint64_t bound, fault_kind kind, std::string_view what);
  void tell_begin(const injected_fault& what);
  void tell_end(const injected_fault& what);

  stage& stage_;
  fault_plan plan_;
  node& node_;
  bool stopped_ = false;
  pulse healed_;
  std::set<std::string, std::less<>> core_;
  bool heal_others_ = false;
  std::vector<fault_observer*> observers_;
  std::map<std::uint64_t, injected_fault> active_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t next_number_ = 0;
};

}  // namespace hale::sim
