// The cluster of the form without a file: `hale run --base-port P … -- COMMAND…`. One service, called like the cluster.
// Without --health there is no probe, and an instance serves as soon as it is spawned: a command need not listen at
// all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hale/heal/spec.hpp"

namespace hale {

/// What the options say, as they were written.
struct command_line {
  std::string name;                         ///< --name; empty: the base name of the command
  std::optional<std::int64_t> count;        ///< --count
  std::vector<std::string> names;           ///< --names, parted at the commas
  std::optional<std::int64_t> base_port;    ///< --base-port; without it instances have no ports
  std::optional<std::int64_t> port_offset;  ///< --port-offset
  std::string health;                       ///< --health: the path of an HTTP probe; empty: no probe
  std::vector<std::string> env;             ///< each --env, as NAME=value
  std::vector<std::string> command;         ///< after --
};

struct parsed_command_line {
  std::optional<cluster_spec> spec;  ///< present exactly when there are no errors
  std::vector<std::string> errors;   ///< "--base-port: expected a port from 1 to 65535"
};

parsed_command_line make_cluster(const command_line& line);

/// The name of a cluster that runs `command`: "ollama" for {"OLLAMA_HOST=…", "/usr/bin/ollama", "serve"}.
std::string name_from_command(const std::vector<std::string>& command);

}  // namespace hale
