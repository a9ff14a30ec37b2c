// What has happened to each instance so far, gathered once for all oracles and for the report: its state as told, its
// process as it is, what faults have done to it and when that was over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/event.hpp"
#include "hale/policy/lifecycle.hpp"
#include "hale/sim/fault/injector.hpp"
#include "hale/sim/program/stage.hpp"

namespace hale::sim {

/// One stretch during which an instance could not be used though it should have been.
struct outage {
  instant since{};
  std::optional<instant> noticed;  ///< when the supervisor no longer called it serving
};

struct instance_record {
  const service_spec* service = nullptr;
  std::uint32_t index = 0;
  instance_state state = instance_state::stopped;  ///< as told
  instant state_since{};
  std::uint64_t restarts = 0;
  std::uint64_t alerts = 0;
  bool ever_served = false;

  // The truth about its process.
  std::uint64_t serial = 0;  ///< of the newest leader; 0: none so far
  bool alive = false;
  instant born{};
  instant died{};

  // Faults.
  std::uint32_t faults_active = 0;       ///< on it alone
  instant last_disturbed = instant::min();  ///< when the last such fault was over

  // Use.
  bool up = false;         ///< serving as told, alive and well in truth
  duration up_time{};      ///< up to `up_since`
  instant up_since{};
  std::optional<outage> down;
  bool by_command = false; ///< a person wants it down, or has just restarted it
};

class chronicle final : public truth_observer, public fault_observer, event_sink {
 public:
  explicit chronicle(stage& of);
  chronicle(const chronicle&) = delete;
  chronicle& operator=(const chronicle&) = delete;

  const std::map<std::string, instance_record, std::less<>>& instances() const noexcept { return instances_; }
  const instance_record* find(std::string_view instance) const noexcept;

  /// True while a fault is at work on the machine, the network or the supervisor.
  bool machine_disturbed() const noexcept { return machine_faults_ > 0; }
  /// When the last of those was over.
  instant machine_last_disturbed() const noexcept { return machine_last_disturbed_; }
  /// For how long neither it nor the machine has been disturbed by any fault; zero while it is.
  duration undisturbed_for(const instance_record& one) const noexcept;
  /// Looks again at who is up; called at every tick, since programs change without a word.
  void look();

  /// Of outages that are over: from its begin until the supervisor noticed, and until it could be used again.
  const std::vector<duration>& detections() const noexcept { return detections_; }
  const std::vector<duration>& recoveries() const noexcept { return recoveries_; }
  /// For how long instances have been up, all together, from the beginning.
  duration up_time() const noexcept;
  /// The share of the time since `from`, when up_time() was `before`, in which instances were up, in millionths; time
  /// for which a person has stopped one counts as down.
  std::uint64_t availability_ppm(instant from, duration before) const noexcept;
  std::uint64_t restarts() const noexcept;
  std::uint64_t alerts() const noexcept { return alerts_; }
  instant now() const noexcept { return stage_.time().now(); }

  void on_spawn(const simulated_process& which) override;
  void on_exit(const simulated_process& which) override;
  void on_fault(const injected_fault& what) override;
  void on_fault_over(const injected_fault& what) override;

 private:
  void on_event(const event& what) noexcept override;
  void look_at(instance_record& one, std::string_view name);

  stage& stage_;
  std::map<std::string, instance_record, std::less<>> instances_;
  std::uint32_t machine_faults_ = 0;
  instant machine_last_disturbed_ = instant::min();
  std::uint64_t alerts_ = 0;
  std::vector<duration> detections_;
  std::vector<duration> recoveries_;
};

}  // namespace hale::sim
