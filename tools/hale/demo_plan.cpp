#include "demo_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace hale::cli {
namespace {

constexpr duration shortest = std::chrono::seconds(12);      // below it faults would meet servers that still load
constexpr duration room_for_more = std::chrono::seconds(45);

const instance_status* find(const cluster_status& status, const std::string& name) {
  for (const service_status& service : status.services) {
    for (const instance_status& one : service.instances) {
      if (one.name == name) return &one;
    }
  }
  return nullptr;
}

}  // namespace

demo_plan::demo_plan(duration length, bool real_oom) {
  const duration scale = std::max(length, shortest);
  const auto add = [&](int percent, std::string instance, std::string kind, std::string story) {
    demo_fault fault;
    fault.instance = std::move(instance);
    fault.kind = std::move(kind);
    fault.story = std::move(story);
    fault.at = std::chrono::duration_cast<std::chrono::milliseconds>(scale * percent / 100);
    faults_.push_back(std::move(fault));
  };
  add(20, "chat", "crash", "crashes (SIGSEGV)");
  add(32, "code", "hang", "hangs: accepts, but never answers");
  add(48, "embed", "oom",
      real_oom ? "runs out of memory (kernel OOM killer)" : "runs out of memory (no cgroup here: bad_alloc)");
  if (length < room_for_more) return;
  add(60, "chat", "exit?code=1", "exits with code 1");
  add(72, "code", "silent", "stops answering its health check");
  add(80, "embed", "kill", "is killed by a stranger (SIGKILL)");
}

std::string demo_plan::schedule_of(const std::string& instance) const {
  std::string schedule;
  for (const demo_fault& fault : faults_) {
    if (fault.instance != instance) continue;
    schedule += fmt::format("{}{}@{}ms", schedule.empty() ? "" : ",", fault.kind,
                            std::chrono::duration_cast<std::chrono::milliseconds>(fault.at).count());
  }
  return schedule;
}

void demo_plan::watch(duration now, const cluster_status& status) {
  for (demo_fault& fault : faults_) {
    const instance_status* one = find(status, fault.instance);
    if (one == nullptr) continue;
    if (fault.is == demo_fault::stage::coming) {
      if (now >= fault.at) {
        fault.is = demo_fault::stage::struck;
      } else {
        fault.victim = one->incarnation;
      }
    }
    if (fault.is != demo_fault::stage::struck || one->incarnation <= fault.victim) continue;
    if (one->last_cause) fault.verdict = to_string(*one->last_cause);
    if (one->state == instance_state::serving && one->health == health_status::healthy) {
      fault.is = demo_fault::stage::healed;
    }
  }
}

bool demo_plan::all_healed() const noexcept {
  return std::all_of(faults_.begin(), faults_.end(),
                     [](const demo_fault& fault) { return fault.is == demo_fault::stage::healed; });
}

}  // namespace hale::cli
