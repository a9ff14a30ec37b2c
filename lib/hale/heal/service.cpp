#include "hale/heal/service.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "hale/policy/disruption.hpp"

namespace hale {

service::service(cluster_context& cluster, const service_spec& spec)
    : cluster_(cluster), spec_(spec), down_by_verdict_(spec.instances.size()) {
  instances_.reserve(spec.instances.size());
  instance_surroundings& surroundings = *this;
  for (std::uint32_t index = 0; index < spec.instances.size(); ++index) {
    instances_.push_back(std::make_unique<instance>(cluster, spec, index, surroundings));
  }
}

void service::depend_on(service& other, bool serving) {
  dependencies_.push_back(dependency{&other, serving});
  other.dependants_.push_back(this);
}

bool service::started() const {
  return std::all_of(instances_.begin(), instances_.end(), [](const auto& one) { return one->had_its_turn(); });
}

bool service::may_start() const {
  return std::all_of(dependencies_.begin(), dependencies_.end(), [](const dependency& one) { return one.met(); });
}

std::string service::waits_for() const {
  for (const dependency& one : dependencies_) {
    if (!one.met()) return fmt::format("waits for {} to {}", one.on->name(), one.serving ? "serve" : "be started");
  }
  return {};
}

void service::take_start() { next_start_ = saturating_add(cluster_.world.clock.now(), spec_.stagger); }

std::uint32_t service::failing() const {
  std::uint32_t count = 0;
  for (const auto& one : instances_) {
    const health_status health = one->health().status;
    const bool sick = health == health_status::unhealthy || health == health_status::dead;
    if (sick || down_by_verdict_[static_cast<std::size_t>(&one - instances_.data())]) ++count;
  }
  return count;
}

bool service::may_take_down(std::uint32_t index) {
  const auto total = static_cast<std::uint32_t>(instances_.size());
  if (correlated(total, failing())) suspect_common_cause();
  const std::uint32_t limit = common_cause_suspected_ ? 1 : disruption_limit(spec_.max_unavailable, total);
  const auto down = static_cast<std::uint32_t>(std::count(down_by_verdict_.begin(), down_by_verdict_.end(), true));
  if (!may_disrupt(down, limit)) return false;
  down_by_verdict_[index] = true;
  return true;
}

void service::suspect_common_cause() {
  if (common_cause_suspected_) return;
  common_cause_suspected_ = true;
  event what;
  what.kind = event_kind::correlated_failure;
  what.service = spec_.name;
  what.cause = cause::probe_failed;
  what.reason = fmt::format("all {} instances of {} fail together: suspect the probe or something they share; "
                            "they are restarted one at a time",
                            instances_.size(), spec_.name);
  cluster_.emit(what);
  what.kind = event_kind::alert;
  cluster_.emit(std::move(what));
}

void service::clear_suspicion() {
  const auto well = [](const auto& one) {
    return one->state() == instance_state::serving || one->state() == instance_state::stopped;
  };
  const bool all_well = serving_ > 0 && failing() == 0 && std::all_of(instances_.begin(), instances_.end(), well);
  if (!common_cause_suspected_ || !all_well) return;
  common_cause_suspected_ = false;
  event what;
  what.kind = event_kind::alert_resolved;
  what.service = spec_.name;
  what.reason = fmt::format("the instances of {} are well again", spec_.name);
  cluster_.emit(std::move(what));
}

void service::on_change(std::uint32_t index, instance_state from, instance_state to) {
  const bool left = from == instance_state::serving && to != from;
  const bool came = to == instance_state::serving && to != from;
  if (came || (to != instance_state::stopping && to != instance_state::waiting && to != instance_state::starting &&
               to != instance_state::serving)) {
    down_by_verdict_[index] = false;
  }
  if (came && serving_++ == 0) tell_dependants();
  if (left && --serving_ == 0) tell_dependants();
  clear_suspicion();
}

void service::tell_dependants() {
  for (service* other : dependants_) {
    const auto lost = std::find_if(other->dependencies_.begin(), other->dependencies_.end(),
                                   [](const dependency& one) { return one.serving && !one.met(); });
    const bool any = lost != other->dependencies_.end();
    for (const auto& one : other->instances_) one->set_dependency_lost(any, any ? lost->on->name() : std::string());
  }
}

service_status service::status() const {
  service_status shown;
  shown.name = spec_.name;
  shown.target = static_cast<std::uint32_t>(instances_.size());
  shown.serving = serving_;
  shown.instances.reserve(instances_.size());
  for (const auto& one : instances_) shown.instances.push_back(one->status());
  return shown;
}

}  // namespace hale
