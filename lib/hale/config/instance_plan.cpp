#include "hale/config/instance_plan.hpp"

#include <fmt/format.h>

namespace hale {
namespace {

constexpr std::int64_t highest_port = 65'535;

bool is_port(std::int64_t value) { return value >= 1 && value <= highest_port; }

}  // namespace

std::vector<instance_spec> instance_plan::make(std::vector<fault>& faults) const {
  std::vector<instance_spec> instances(decide_count(faults));
  for (std::size_t i = 0; i < instances.size(); ++i) {
    if (i < names.size()) {
      instances[i].name = names[i];
    } else {
      instances[i].name = instances.size() == 1 ? service : fmt::format("{}-{}", service, i + 1);
    }
  }
  give_ports(instances, faults);
  return instances;
}

std::size_t instance_plan::decide_count(std::vector<fault>& faults) const {
  if (count && (*count < 1 || *count > max_instances)) {
    faults.push_back({"instances", fmt::format("expected a whole number from 1 to {}", max_instances)});
    return 1;
  }
  const std::size_t wanted = !names.empty() ? names.size() : count ? static_cast<std::size_t>(*count) : 1;
  if (wanted > most) {
    faults.push_back({names.empty() ? "instances" : "names",
                      fmt::format("with these the cluster has more than {} instances", max_instances)});
    return 1;
  }
  if (!names.empty() && count && static_cast<std::size_t>(*count) != names.size()) {
    faults.push_back(
        {"instances", fmt::format("{} instances, but {} names: the names alone are enough", *count, names.size())});
  }
  return wanted;
}

void instance_plan::give_ports(std::vector<instance_spec>& instances, std::vector<fault>& faults) const {
  if (!ports.empty()) return give_listed_ports(instances, faults);
  if (!base_port) {
    if (port_offset) faults.push_back({"port_offset", "there is no base_port to count from"});
    return;
  }
  if (!is_port(*base_port)) {
    faults.push_back({"base_port", fmt::format("expected a port from 1 to {}", highest_port)});
    return;
  }
  const std::int64_t offset = port_offset.value_or(default_port_offset);
  if (offset < 0 || offset > highest_port) {
    faults.push_back({"port_offset", fmt::format("expected a whole number from 0 to {}", highest_port)});
    return;
  }
  const auto last = static_cast<std::int64_t>(instances.size());
  if (const std::int64_t port = *base_port + last * offset; !is_port(port)) {
    faults.push_back({"base_port", fmt::format("the port of the last instance, {} + {} × {} = {}, is beyond {}",
                                               *base_port, last, offset, port, highest_port)});
    return;
  }
  for (std::size_t i = 0; i < instances.size(); ++i) {
    instances[i].port = static_cast<std::uint16_t>(*base_port + static_cast<std::int64_t>(i + 1) * offset);
  }
}

void instance_plan::give_listed_ports(std::vector<instance_spec>& instances, std::vector<fault>& faults) const {
  if (base_port) faults.push_back({"ports", "either ports or base_port, not both"});
  if (port_offset && !base_port) faults.push_back({"port_offset", "there is no base_port to count from"});
  if (ports.size() != instances.size()) {
    faults.push_back(
        {"ports", fmt::format("expected {} ports, one for each instance, found {}", instances.size(), ports.size())});
    return;
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (is_port(ports[i])) {
      instances[i].port = static_cast<std::uint16_t>(ports[i]);
    } else {
      faults.push_back({"ports", fmt::format("expected ports from 1 to {}, found {}", highest_port, ports[i])});
    }
  }
}

}  // namespace hale
