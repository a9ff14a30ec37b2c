// What `hale run` and `hale check` are to work on: the specification in a cluster file, or the one that a command line
// describes, with every mistake told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "hale/base/result.hpp"
#include "hale/heal/spec.hpp"

namespace hale::cli {

struct loaded_cluster {
  std::optional<cluster_spec> spec;        ///< nothing where there are errors
  std::vector<std::string> errors;         ///< each a line with its place
  std::vector<std::string> warnings;
  std::vector<std::string> unsupported;    ///< what the file asks for and this version cannot do yet
};

/// REQUIRES: exactly one of a file or an argv is meant by `command`, or neither: then hale.toml.
loaded_cluster load_cluster(const run_command& command, const std::string& cluster_name);
loaded_cluster load_cluster_file(const std::string& path);

/// Where the cluster of that file keeps its state; nothing when there is no such file or it is broken.
std::optional<std::string> state_directory_of_file(const std::string& path);

}  // namespace hale::cli
