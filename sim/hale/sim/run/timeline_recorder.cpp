#include "hale/sim/run/timeline_recorder.hpp"

#include <fmt/format.h>

namespace hale::sim {

timeline_recorder::timeline_recorder(stage& play, injector& faults) : stage_(play) {
  made_.cluster = play.spec().name;
  for (const service_spec& service : play.spec().services) {
    for (const instance_spec& one : service.instances) {
      lanes_.emplace(one.name, made_.lanes.size());
      timeline_lane lane;
      lane.service = service.name;
      lane.instance = one.name;
      timeline_span first;
      first.state = to_string(instance_state::stopped);
      lane.spans.push_back(std::move(first));
      made_.lanes.push_back(std::move(lane));
    }
  }
  play.subscribe(*this);
  faults.observe(*this);
}

duration timeline_recorder::now() const noexcept { return stage_.time().now().time_since_epoch(); }

void timeline_recorder::enter(run_phase phase) {
  if (phase == run_phase::over) return;
  made_.phases.push_back(timeline_phase{std::string(to_string(phase)), now()});
}

void timeline_recorder::mark(mark_kind kind, const std::string& instance, std::string name, std::string text) {
  timeline_mark made;
  made.at = now();
  made.instance = instance;
  made.kind = kind;
  made.name = std::move(name);
  made.text = std::move(text);
  made_.marks.push_back(std::move(made));
}

void timeline_recorder::on_event(const event& what) noexcept {
  const std::string cause(what.cause ? to_string(*what.cause) : std::string_view());
  switch (what.kind) {
    case event_kind::state:
    case event_kind::health: {
      const auto lane = lanes_.find(what.instance);
      if (lane == lanes_.end()) return;
      auto& spans = made_.lanes[lane->second].spans;
      timeline_span next = spans.back();
      next.from = now();
      if (what.kind == event_kind::state) next.state = what.to;
      next.health = what.kind == event_kind::health ? what.to : std::string();
      next.cause = cause;
      next.reason = what.reason;
      spans.push_back(std::move(next));
      return;
    }
    case event_kind::action: mark(mark_kind::action, what.instance, what.action, what.reason); return;
    case event_kind::alert: mark(mark_kind::alert, what.instance, cause, what.reason); return;
    case event_kind::alert_resolved: mark(mark_kind::alert_resolved, what.instance, "resolved", what.reason); return;
    case event_kind::exit: mark(mark_kind::exit, what.instance, cause, what.reason); return;
    case event_kind::supervisor: mark(mark_kind::supervisor, "", what.to, what.reason); return;
    default: return;
  }
}

void timeline_recorder::on_fault(const injected_fault& what) {
  open_faults_.emplace(what.number, made_.marks.size());
  const fault_description& known = describe(what.kind);
  mark(mark_kind::fault, what.instance, std::string(known.name),
       what.detail.empty() ? std::string(known.what) : fmt::format("{} ({})", known.what, what.detail));
}

void timeline_recorder::on_fault_over(const injected_fault& what) {
  const auto open = open_faults_.find(what.number);
  if (open == open_faults_.end()) return;
  timeline_mark& begun = made_.marks[open->second];
  begun.lasts = now() - begun.at;
  open_faults_.erase(open);
}

timeline timeline_recorder::finish(const std::optional<violation>& verdict, std::uint64_t hash) {
  made_.length = now();
  for (const auto& [number, place] : open_faults_) made_.marks[place].lasts = made_.length - made_.marks[place].at;
  made_.trace = fmt::format("{:016x}", hash);
  made_.verdict = "clean";
  if (verdict) {
    made_.verdict = fmt::format("{}: {}", verdict->name, verdict->what);
    mark(mark_kind::oracle, "", verdict->name, verdict->what);
  }
  return std::move(made_);
}

}  // namespace hale::sim
