// From the text of a cluster file (behaviour, section 11) to the specification of a cluster. Pure: the caller reads
// the file. All mistakes of a file are reported at once, each with its place, what was expected and what was probably
// meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/spec.hpp"

namespace hale {

struct config_error {
  std::string file;
  unsigned line = 1;
  unsigned column = 1;
  std::string message;
};
/// "hale.toml:9:31: health.interval: expected …"
std::string to_string(const config_error& error);

/// Something the file asks for that is checked, but that this version does not do yet.
struct unsupported_feature {
  std::string file;
  unsigned line = 1;
  unsigned column = 1;
  std::string key;  ///< "canary", "stop.drain", "group.backend"
};
/// "hale.toml:12:1: canary is not supported yet by this version"
std::string to_string(const unsupported_feature& feature);

struct parsed_cluster {
  std::optional<cluster_spec> spec;  ///< present exactly when there are no errors
  std::vector<config_error> errors;  ///< in the order of the file
  std::vector<config_error> warnings;
  std::vector<unsupported_feature> unsupported;
};

/// `file_name` stands in every message; its stem is the default name of the cluster.
parsed_cluster parse_cluster(std::string_view text, std::string file_name);

}  // namespace hale
