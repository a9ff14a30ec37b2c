// What a specification must keep to make sense, whether it came from a cluster file, from the command line or from
// code. Faults are named by the keys of the cluster file, so that a reader of one can point at the place in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/spec.hpp"

namespace hale {

inline constexpr std::uint32_t max_instances = 10'000;  ///< of a whole cluster
inline constexpr std::uint32_t max_services = 1'000;

/// The way to a key: {"service", "llama", "health", "failures"}; elements of arrays are their index.
using key_path = std::vector<std::string>;
std::string to_string(const key_path& path);

struct spec_fault {
  key_path where;
  std::string message;   ///< what was expected
  key_path other = {};   ///< another key the fault rests on; may be empty
};

/// Every fault, in the order of the services. Empty: the spec may be run.
std::vector<spec_fault> find_faults(const cluster_spec& spec);

/// The same, one line each: "service.llama.health.failures: expected …".
std::vector<std::string> validate(const cluster_spec& spec);

/// What is wrong with a name of a cluster, service, instance or group; empty when nothing is.
std::string name_fault(std::string_view name);
/// What is wrong with the path of an HTTP request, placeholders included; empty when nothing is.
std::string http_path_fault(std::string_view path);

}  // namespace hale
