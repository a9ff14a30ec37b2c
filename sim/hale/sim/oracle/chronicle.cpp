#include "hale/sim/oracle/chronicle.hpp"

#include <algorithm>

namespace hale::sim {
chronicle::chronicle(stage& of) : stage_(of) {
  for (const auto& [name, played] : of.actors().roles()) {
    instance_record& one = instances_[name];
    one.service = played.service;
    one.index = played.index;
  }
  of.record().observe(*this);
  of.subscribe(*this);
}

const instance_record* chronicle::find(std::string_view instance) const noexcept {
  const auto found = instances_.find(instance);
  return found == instances_.end() ? nullptr : &found->second;
}

duration chronicle::undisturbed_for(const instance_record& one) const noexcept {
  if (machine_faults_ > 0 || one.faults_active > 0) return duration::zero();
  const instant last = std::max({machine_last_disturbed_, one.last_disturbed, instant{}});
  return now() - last;
}

void chronicle::look() {
  for (auto& [name, one] : instances_) look_at(one, name);
}

void chronicle::look_at(instance_record& one, std::string_view name) {
  const simulated_process* const leader = stage_.place().find_leader(name);
  const bool running = one.alive && leader != nullptr && !leader->stopped() && !leader->stuck();
  const bool up = one.state == instance_state::serving && running && stage_.actors().find(name)->condition.usable();
  const instant at = now();
  if (up && !one.up) {
    one.up_since = at;
    one.by_command = false;
    if (one.down) {
      recoveries_.push_back(at - one.down->since);
      if (one.down->noticed) detections_.push_back(*one.down->noticed - one.down->since);
      one.down.reset();
    }
  }
  if (!up && one.up) {
    one.up_time += at - one.up_since;
    if (!one.by_command) one.down = outage{at, std::nullopt};
  }
  one.up = up;
  if (one.down && !one.down->noticed && one.state != instance_state::serving) one.down->noticed = at;
}

duration chronicle::up_time() const noexcept {
  duration up{};
  for (const auto& [name, one] : instances_) up += one.up_time + (one.up ? now() - one.up_since : duration::zero());
  return up;
}

std::uint64_t chronicle::availability_ppm(instant from, duration before) const noexcept {
  const duration whole = (now() - from) * static_cast<std::int64_t>(std::max<std::size_t>(instances_.size(), 1));
  if (whole <= duration::zero()) return 1'000'000;
  __extension__ using wide = __int128;
  return static_cast<std::uint64_t>(static_cast<wide>((up_time() - before).count()) * 1'000'000 / whole.count());
}

std::uint64_t chronicle::restarts() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [name, one] : instances_) sum += one.restarts;
  return sum;
}

void chronicle::on_spawn(const simulated_process& which) {
  const auto found = instances_.find(which.instance());
  if (found == instances_.end() || !which.is_leader()) return;
  instance_record& one = found->second;
  if (one.serial != 0) ++one.restarts;
  one.serial = which.serial();
  one.alive = true;
  one.born = now();
}

void chronicle::on_exit(const simulated_process& which) {
  const auto found = instances_.find(which.instance());
  if (found == instances_.end() || found->second.serial != which.serial()) return;
  found->second.alive = false;
  found->second.died = now();
  look_at(found->second, found->first);
}

void chronicle::on_fault(const injected_fault& what) {
  if (what.instance.empty()) {
    ++machine_faults_;
  } else if (const auto found = instances_.find(what.instance); found != instances_.end()) {
    ++found->second.faults_active;
    const bool by_people = what.kind == fault_kind::restart_command || what.kind == fault_kind::stop_command;
    if (by_people) found->second.by_command = true;
    look_at(found->second, found->first);
  }
}

void chronicle::on_fault_over(const injected_fault& what) {
  if (what.instance.empty()) {
    --machine_faults_;
    machine_last_disturbed_ = now();
  } else if (const auto found = instances_.find(what.instance); found != instances_.end()) {
    --found->second.faults_active;
    found->second.last_disturbed = now();
    look_at(found->second, found->first);
  }
}

void chronicle::on_event(const event& what) noexcept {
  if (what.kind == event_kind::alert) ++alerts_;
  const auto found = instances_.find(what.instance);
  if (found == instances_.end()) return;
  instance_record& one = found->second;
  if (what.kind == event_kind::alert) ++one.alerts;
  if (what.kind == event_kind::state) {
    one.state = instance_state_from_string(what.to).value_or(one.state);
    one.state_since = now();
    one.ever_served = one.ever_served || one.state == instance_state::serving;
    look_at(one, found->first);
  }
}

}  // namespace hale::sim
