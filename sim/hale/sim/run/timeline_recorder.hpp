// Gathers the picture of a run while it happens.
#pragma once

#include <map>
#include <string>

#include "hale/sim/oracle/oracle.hpp"
#include "hale/sim/run/timeline.hpp"

namespace hale::sim {

class timeline_recorder final : fault_observer, event_sink {
 public:
  /// Comes before faults.start(); both outlive it.
  timeline_recorder(stage& play, injector& faults);

  void enter(run_phase phase);
  /// Once.
  timeline finish(const std::optional<violation>& verdict, std::uint64_t hash);

 private:
  void on_event(const event& what) noexcept override;
  void on_fault(const injected_fault& what) override;
  void on_fault_over(const injected_fault& what) override;
  duration now() const noexcept;
  void mark(mark_kind kind, const std::string& instance, std::string name, std::string text);

  stage& stage_;
  timeline made_;
  std::map<std::string, std::size_t, std::less<>> lanes_;
  std::map<std::uint64_t, std::size_t> open_faults_;  ///< by number: the place of their mark
};

}  // namespace hale::sim
