#include "hale/config/command_line_spec.hpp"

#include <fmt/format.h>

#include <array>
#include <set>

#include "hale/config/instance_plan.hpp"
#include "hale/heal/placeholder.hpp"
#include "hale/heal/validate.hpp"

namespace hale {
namespace {

// The option that a key of the cluster file comes from.
std::string option_of(const key_path& where) {
  static constexpr std::pair<std::string_view, std::string_view> options[] = {
      {"command", "COMMAND"}, {"env", "--env"},    {"names", "--names"},         {"instances", "--count"},
      {"health", "--health"}, {"ports", "--base-port"}, {"base_port", "--base-port"}, {"port_offset", "--port-offset"}};
  if (where.size() >= 3) {
    for (const auto& [key, option] : options) {
      if (where[2] == key) return std::string(option);
    }
  }
  return "--name";
}

// Each option complains once.
class complaints {
 public:
  void add(const std::string& option, const std::string& message) {
    if (options_.insert(option).second) lines_.push_back(fmt::format("{}: {}", option, message));
  }
  bool empty() const { return lines_.empty(); }
  std::vector<std::string> lines() && { return std::move(lines_); }

 private:
  std::set<std::string> options_;
  std::vector<std::string> lines_;
};

void add_environment(const command_line& line, service_spec& service, complaints& out) {
  for (const std::string& word : line.env) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      out.add("--env", fmt::format("expected NAME=value, found \"{}\"", word));
    } else {
      service.env.insert_or_assign(word.substr(0, equals), word.substr(equals + 1));
    }
  }
}

void add_instances(const command_line& line, service_spec& service, complaints& out) {
  instance_plan plan;
  plan.service = service.name;
  plan.count = line.count;
  plan.names = line.names;
  plan.base_port = line.base_port;
  plan.port_offset = line.port_offset;
  std::vector<instance_plan::fault> faults;
  service.instances = plan.make(faults);
  for (const instance_plan::fault& fault : faults)
    out.add(option_of({"service", service.name, fault.key}), fault.message);
  if (line.base_port && *line.base_port >= 1 && *line.base_port <= 65'535) {
    service.base_port = static_cast<std::uint16_t>(*line.base_port);
  }
}

}  // namespace

std::string name_from_command(const std::vector<std::string>& command) {
  const std::vector<std::string> argv = split_environment_words(command).argv;
  if (argv.empty()) return "hale";
  std::string name;
  for (const char c : argv.front().substr(argv.front().rfind('/') + 1)) {
    name += name_fault(std::string("x") + c).empty() ? c : '-';
  }
  const std::size_t start = name.find_first_not_of("-.");
  return start == std::string::npos ? "hale" : name.substr(start, 64);
}

parsed_command_line make_cluster(const command_line& line) {
  complaints out;
  cluster_spec spec;
  spec.name = line.name.empty() ? name_from_command(line.command) : line.name;
  service_spec service;
  service.name = spec.name;
  service.command = line.command;
  add_environment(line, service, out);
  add_instances(line, service, out);
  if (!line.health.empty()) {
    service.health.emplace();
    service.health->path = line.health;
  }
  spec.services.push_back(std::move(service));
  // Faults that rest on ports that could not be made say nothing new.
  const bool ports_failed = !out.empty() && spec.services[0].instances[0].port == 0 && line.base_port.has_value();
  for (const spec_fault& fault : find_faults(spec)) {
    if (ports_failed && !fault.other.empty()) continue;
    out.add(option_of(fault.where), fault.message);
  }
  parsed_command_line parsed;
  if (out.empty()) parsed.spec = std::move(spec);
  parsed.errors = std::move(out).lines();
  return parsed;
}

}  // namespace hale
