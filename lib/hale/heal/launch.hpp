// From a service's specification to the process that one incarnation of one instance is: placeholders filled in, the
// environment put together, the port named.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/ids.hpp"
#include "hale/base/result.hpp"
#include "hale/heal/placeholder.hpp"
#include "hale/heal/spec.hpp"
#include "hale/world/network.hpp"
#include "hale/world/process.hpp"

namespace hale {

/// Which incarnation of which instance is meant.
struct launch_identity {
  std::string_view cluster;
  const service_spec& service;
  std::uint32_t index;
  incarnation_number incarnation;
  std::string_view notify_path;  ///< empty: no notify socket

  const instance_spec& instance() const { return service.instances[index]; }
};

placeholder_values placeholders_of(const launch_identity& who);

/// What to spawn. The error is one line for people; only unchecked specs can give one.
result<process_spec, std::string> make_process_spec(const launch_identity& who);

/// A probe with every placeholder filled in. The spec outlives it.
struct resolved_probe {
  const probe_spec* spec = nullptr;
  endpoint target;                     ///< for http and tcp
  std::string path;                    ///< for http
  std::unique_ptr<process_spec> exec;  ///< for exec
};
result<resolved_probe, std::string> resolve_probe(const probe_spec& probe, const launch_identity& who);

}  // namespace hale
