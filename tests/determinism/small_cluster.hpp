// The cluster of these tests: a bit of everything that supervision can do, small and short, since it is run often.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "hale/sim/run/cluster_run.hpp"

namespace determinism {

constexpr std::uint64_t seeds = 50;

inline hale::service_spec service_of(std::string name, std::uint32_t instances, std::uint16_t base_port) {
  hale::service_spec made;
  made.name = name;
  made.command = {name + "-server"};
  made.base_port = base_port;
  for (std::uint32_t index = 0; index < instances; ++index) {
    const auto port = static_cast<std::uint16_t>(base_port == 0 ? 0 : base_port + index);
    made.instances.push_back(hale::instance_spec{name + "-" + std::to_string(index), port});
  }
  return made;
}

inline hale::cluster_spec small_cluster() {
  using namespace std::chrono_literals;
  hale::service_spec chat = service_of("chat", 3, 8000);
  chat.health.emplace();
  chat.stagger = 1s;
  chat.memory.soft_bytes = std::uint64_t{6} << 30;
  chat.memory.hard_bytes = std::uint64_t{8} << 30;

  hale::service_spec embed = service_of("embed", 1, 8100);
  embed.health.emplace();
  embed.health->type = hale::probe_spec::kind::tcp;
  embed.after = {"chat"};
  embed.memory.limit_bytes = std::uint64_t{8} << 30;

  hale::service_spec rank = service_of("rank", 1, 8200);
  rank.health.emplace();
  rank.health->type = hale::probe_spec::kind::exec;
  rank.health->exec_argv = {"check", "{name}"};
  rank.restart.policy = hale::restart_when::on_failure;

  hale::service_spec indexer = service_of("indexer", 1, 0);
  indexer.heartbeat.emplace();
  indexer.needs = {"chat", "embed"};
  indexer.stop.diagnostic_signal = 3;

  hale::cluster_spec cluster;
  cluster.name = "determinism";
  cluster.services = {chat, embed, rank, indexer};
  return cluster;
}

/// Default faults, drawn anew for each run.
inline hale::sim::run_options short_run() {
  hale::sim::run_options options;
  options.spec = small_cluster();
  options.length = std::chrono::minutes(10);
  return options;
}

}  // namespace determinism
