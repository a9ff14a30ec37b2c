// A model server as a simulated process: it listens at once, answers 503 while it loads, then serves over the same HTTP
// code as everything else, sends heartbeats where it is asked to, grows with its requests, and falls ill as its
// condition says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hale/sim/program/condition.hpp"
#include "hale/sim/world/simulated_process.hpp"

namespace hale::sim {

struct server_profile {
  std::vector<std::uint16_t> ports;  ///< empty: a worker that only beats
  int ok_status = 200;
  std::string ok_body = R"({"status":"ok"})";
  std::string health_path = "/health";  ///< what a grey server still answers
  duration load_time = std::chrono::seconds(2);
  std::uint64_t model_bytes = std::uint64_t{2} << 30;
  std::uint64_t bytes_per_request = std::uint64_t{16} << 20;
  duration answer_time = std::chrono::milliseconds(2);
  bool reuse_port = false;  ///< binds beside others that do so, too
  duration stop_time = std::chrono::milliseconds(50);  ///< from SIGTERM to its end
};

/// The program. `condition` outlives the process.
program model_server(server_profile profile, server_condition& condition);

}  // namespace hale::sim
