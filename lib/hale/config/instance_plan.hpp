// From what a user says about the instances of a service (how many, their names, their ports) to the instances.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hale/heal/spec.hpp"
#include "hale/heal/validate.hpp"

namespace hale {

inline constexpr std::int64_t default_port_offset = 10;

struct instance_plan {
  std::string service;
  std::optional<std::int64_t> count;  ///< default 1, or as many as there are names
  std::vector<std::string> names;     ///< empty: SERVICE-1 …, or SERVICE where there is only one
  std::optional<std::int64_t> base_port;
  std::optional<std::int64_t> port_offset;
  std::vector<std::int64_t> ports;    ///< one for each instance, instead of base_port
  std::size_t most = max_instances;   ///< how many the cluster has room for

  struct fault {
    std::string key;  ///< "instances", "names", "base_port", "port_offset", "ports"
    std::string message;
  };
  /// The instances; port i is base_port + (i + 1) * port_offset. Never more than the limit, whatever was asked for.
  std::vector<instance_spec> make(std::vector<fault>& faults) const;

 private:
  std::size_t decide_count(std::vector<fault>& faults) const;
  void give_ports(std::vector<instance_spec>& instances, std::vector<fault>& faults) const;
  void give_listed_ports(std::vector<instance_spec>& instances, std::vector<fault>& faults) const;
};

}  // namespace hale
