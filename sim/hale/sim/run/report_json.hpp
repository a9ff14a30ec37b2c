// What a simulation found, for programs: one JSON object with everything the text has.
//
//     {"cluster","instances","tape","seed","wanted","runs","interrupted","clean","simulated_ms","steps",
//      "availability_ppm","detect_ms":{"count","p50","p99"},"recover_ms":{…},"restarts","alerts",
//      "faults":{NAME: count},"oracles":[{"number","name","judged","failed"}],
//      "pending_oracles":[{"number","name","waits_for"}],
//      "failures":[{"seed","number","oracle","what","at_ms","tape","tape_choices","shrink_runs","replay"}],"trace"}
//
// What is absent is null; `trace` is 16 hexadecimal digits, of a single run only.
#pragma once

#include <string>

#include "hale/sim/run/summary.hpp"

namespace hale::sim {

/// One line, with a line feed.
std::string report_json(const run_summary& of);

}  // namespace hale::sim
