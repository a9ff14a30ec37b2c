#include "hale/sim/run/report_json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hale/sim/oracle/all_oracles.hpp"

namespace hale::sim {
namespace {

using json = nlohmann::ordered_json;

std::int64_t milliseconds_of(duration value) { return value / std::chrono::milliseconds(1); }

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}
json text_or_null(const std::string& text) { return text.empty() ? json(nullptr) : json(text); }

json times(const std::vector<duration>& ascending) {
  json made = {{"count", ascending.size()}, {"p50", nullptr}, {"p99", nullptr}};
  if (ascending.empty()) return made;
  made["p50"] = milliseconds_of(percentile(ascending, 50));
  made["p99"] = milliseconds_of(percentile(ascending, 99));
  return made;
}

json faults(const run_summary& of) {
  json made = json::object();
  for (const fault_count& one : of.faults) made[std::string(describe(one.kind).name)] = one.count;
  return made;
}

json oracles(const run_summary& of) {
  json made = json::array();
  for (const oracle_count& one : of.oracles) {
    const auto failed = std::count_if(of.failures.begin(), of.failures.end(),
                                      [&](const run_failure& each) { return each.number == one.number; });
    made.push_back({{"number", one.number}, {"name", one.name}, {"judged", one.premises}, {"failed", failed}});
  }
  return made;
}

json pending() {
  json made = json::array();
  for (const pending_oracle& one : pending_oracles()) {
    made.push_back({{"number", one.number}, {"name", one.name}, {"waits_for", one.waits_for}});
  }
  return made;
}

json failures(const run_summary& of) {
  json made = json::array();
  for (const run_failure& one : of.failures) {
    made.push_back({{"seed", of.seed ? json(one.seed) : json(nullptr)},
                    {"number", one.number == 0 ? json(nullptr) : json(one.number)},
                    {"oracle", one.name},
                    {"what", one.what},
                    {"at_ms", one.at ? json(milliseconds_of(*one.at)) : json(nullptr)},
                    {"tape", text_or_null(one.tape)},
                    {"tape_choices", one.tape.empty() ? json(nullptr) : json(one.tape_choices)},
                    {"shrink_runs", one.shrink_runs},
                    {"replay", text_or_null(one.replay)}});
  }
  return made;
}

}  // namespace

std::string report_json(const run_summary& of) {
  json made = {{"cluster", of.cluster},
               {"instances", of.instances},
               {"tape", text_or_null(of.tape)},
               {"seed", or_null(of.seed)},
               {"wanted", of.wanted},
               {"runs", of.runs},
               {"interrupted", of.interrupted},
               {"clean", of.failures.empty() && !of.interrupted},
               {"simulated_ms", milliseconds_of(of.simulated)},
               {"steps", of.steps},
               {"availability_ppm", of.availability_ppm},
               {"detect_ms", times(of.detections)},
               {"recover_ms", times(of.recoveries)},
               {"restarts", of.restarts},
               {"alerts", of.alerts},
               {"faults", faults(of)},
               {"oracles", oracles(of)},
               {"pending_oracles", pending()},
               {"failures", failures(of)},
               {"trace", of.trace ? json(fmt::format("{:016x}", *of.trace)) : json(nullptr)}};
  // What children and oracles say may be any bytes.
  return made.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace hale::sim
