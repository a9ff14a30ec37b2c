// One service: its instances, the order and spacing of their starts, and the disruption budget that keeps a lying probe
// from taking all of them down.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hale/heal/cluster_context.hpp"
#include "hale/heal/instance.hpp"
#include "hale/heal/status.hpp"

namespace hale {

class service final : instance_surroundings {
 public:
  service(cluster_context& cluster, const service_spec& spec);

  /// `other` must have been started (or, if `serving`, must serve) before an instance of this one starts.
  /// REQUIRES: before any instance runs; the dependencies form no cycle.
  void depend_on(service& other, bool serving);

  const std::string& name() const noexcept { return spec_.name; }
  const std::vector<std::unique_ptr<instance>>& instances() const noexcept { return instances_; }
  /// The services that wait for this one: they are stopped before it.
  const std::vector<service*>& dependants() const noexcept { return dependants_; }
  std::uint32_t serving() const noexcept { return serving_; }
  /// Every instance has had its turn.
  bool started() const;
  service_status status() const;

 private:
  // instance_surroundings
  bool may_start() const override;
  std::string waits_for() const override;
  instant next_start() const override { return next_start_; }
  void take_start() override;
  bool may_take_down(std::uint32_t index) override;
  void on_change(std::uint32_t index, instance_state from, instance_state to) override;

  struct dependency {
    service* on;
    bool serving;
    bool met() const { return serving ? on->serving_ > 0 : on->started(); }
  };
  std::uint32_t failing() const;
  void suspect_common_cause();
  void clear_suspicion();
  void tell_dependants();

  cluster_context& cluster_;
  const service_spec& spec_;
  std::vector<std::unique_ptr<instance>> instances_;
  std::vector<dependency> dependencies_;
  std::vector<service*> dependants_;
  std::vector<bool> down_by_verdict_;
  std::uint32_t serving_ = 0;
  bool common_cause_suspected_ = false;
  instant next_start_ = instant::min();
};

}  // namespace hale
