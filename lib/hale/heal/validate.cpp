#include "hale/heal/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <map>
#include <optional>

#include "hale/base/ip_address.hpp"
#include "hale/base/text.hpp"
#include "hale/heal/launch.hpp"
#include "hale/heal/placeholder.hpp"

namespace hale {
namespace {

using namespace std::chrono_literals;

constexpr duration longest = std::chrono::hours(24 * 365);
constexpr std::size_t longest_name = 100;
constexpr std::string_view missing_port = "the service has no port: set base_port or ports";

// Collects the faults of what lies under one key.
class section {
 public:
  section(std::vector<spec_fault>& faults, key_path path) : faults_(faults), path_(std::move(path)) {}

  section under(std::string key) const {
    key_path path = path_;
    path.push_back(std::move(key));
    return section(faults_, std::move(path));
  }
  void fault(std::string message) const { faults_.push_back({path_, std::move(message)}); }
  void fault(std::string_view key, std::string message) const { under(std::string(key)).fault(std::move(message)); }
  void fault(std::string_view key, std::string_view other, std::string message) const {
    faults_.push_back({under(std::string(key)).path_, std::move(message), under(std::string(other)).path_});
  }
  /// A fault here that comes from the service having no port.
  void port_fault(std::string message) const {
    faults_.push_back({path_, std::move(message), {path_[0], path_[1], "base_port"}});
  }

  void between(std::string_view key, duration value, duration least, duration most = longest) const {
    if (value >= least && value <= most) return;
    fault(key, fmt::format("expected a duration from {} to {}", format_duration(least), format_duration(most)));
  }
  void between(std::string_view key, std::uint64_t value, std::uint64_t least, std::uint64_t most) const {
    if (value >= least && value <= most) return;
    fault(key, fmt::format("expected a whole number from {} to {}", least, most));
  }
  void size_between(std::string_view key, std::uint64_t value, std::uint64_t least, std::uint64_t most) const {
    if (value >= least && value <= most) return;
    fault(key, fmt::format("expected a size from {} to {}", format_size(least), format_size(most)));
  }
  void share(std::string_view key, double value) const {
    if (!(value >= 0 && value <= 1)) fault(key, "expected a share from 0 to 1");
  }
  void placeholders(std::string_view key, std::string_view text) const {
    if (auto error = check_placeholders(text)) fault(key, std::move(error->message));
  }

 private:
  std::vector<spec_fault>& faults_;
  key_path path_;
};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-:@").find(c) != std::string_view::npos;
}

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

bool is_port_number(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

// What `text` stands for in the first incarnation of each instance is a port.
bool is_port_of_each(const service_spec& service, std::string_view text) {
  for (std::uint32_t index = 0; index < service.instances.size(); ++index) {
    const launch_identity who{{}, service, index, incarnation_number(1), {}};
    const auto port = expand_placeholders(text, placeholders_of(who));
    if (port && !is_port_number(*port)) return false;
  }
  return true;
}

// --- one service -------------------------------------------------------------------------------------------------

void check_words(const section& in, const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    in.placeholders(std::to_string(i), words[i]);
    if (has_nul(words[i])) in.fault(std::to_string(i), "a word of a command cannot hold a NUL character");
  }
}

void check_command(const section& in, const service_spec& service) {
  const section command = in.under("command");
  if (service.command.empty()) {
    command.fault(R"(expected the program and its arguments, such as ["ollama", "serve"])");
  } else if (service.shell && (service.command.size() != 1 || service.command.front().empty())) {
    command.fault("expected one string for the shell, since shell = true");
  } else if (!service.shell) {
    const environment_words words = split_environment_words(service.command);
    if (words.argv.empty()) {
      command.fault("expected a program after the NAME=value words");
    } else if (words.argv.front().empty()) {
      command.fault("the name of the program is empty");
    }
  }
  check_words(command, service.command);
}

void check_environment(const section& in, const std::map<std::string, std::string>& env) {
  const section at = in.under("env");
  for (const auto& [name, value] : env) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name)) {
      at.fault(name, "expected the name of a variable: not empty, and without =");
    }
    if (has_nul(value)) at.fault(name, "a variable cannot hold a NUL character");
    at.placeholders(name, value);
  }
}

bool has_port(const service_spec& service) {
  return !service.instances.empty() && std::all_of(service.instances.begin(), service.instances.end(),
                                                   [](const instance_spec& each) { return each.port != 0; });
}

// {port} and {base_port} stand for nothing where the service has none.
void check_port_use(const section& in, const service_spec& service) {
  const auto check = [&](const section& at, std::string_view text) {
    if (!has_port(service) && uses_placeholder(text, "port")) {
      at.port_fault(fmt::format("{{port}} is used, but {}", missing_port));
    } else if (service.base_port == 0 && uses_placeholder(text, "base_port")) {
      at.port_fault("{base_port} is used, but the service has no base_port");
    }
  };
  for (std::size_t i = 0; i < service.command.size(); ++i) {
    check(in.under("command").under(std::to_string(i)), service.command[i]);
  }
  for (const auto& [name, value] : service.env) check(in.under("env").under(name), value);
  check(in.under("cwd"), service.cwd);
}

void check_header_fields(const section& in, const std::map<std::string, std::string>& headers) {
  for (const auto& [name, value] : headers) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_character)) {
      in.fault(name, fmt::format("\"{}\" is not the name of an HTTP header", name));
    }
    if (std::any_of(value.begin(), value.end(), is_control)) {
      in.fault(name, "a header's value cannot hold control characters");
    }
  }
}

void check_http(const section& in, const probe_spec& probe) {
  if (std::string fault = http_path_fault(probe.path); !fault.empty()) in.fault("http", std::move(fault));
  const bool method_is_well = !probe.method.empty() && probe.method.size() <= 16 &&
                              std::all_of(probe.method.begin(), probe.method.end(),
                                          [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!method_is_well) in.fault("method", R"(expected an HTTP method in capitals, such as "GET")");
  check_header_fields(in.under("headers"), probe.headers);
  if (probe.status.empty()) in.fault("status", "expected at least one status code");
  for (std::size_t i = 0; i < probe.status.size(); ++i) {
    if (probe.status[i] >= 100 && probe.status[i] <= 599) continue;
    in.under("status").fault(std::to_string(i), "expected an HTTP status from 100 to 599");
  }
}

void check_address(const section& in, const probe_spec& probe, const service_spec& service) {
  if (probe.host != "localhost" && !is_ip_address(probe.host)) {
    in.fault("host", R"(expected a numeric IP address or "localhost": probes resolve no other names)");
  }
  if (probe.port.empty()) {
    if (!has_port(service)) in.port_fault(fmt::format("{}, or give the probe its own port", missing_port));
  } else if (probe.port.find_first_of("{}") == std::string::npos) {
    if (!is_port_number(probe.port)) in.fault("port", "expected a port from 1 to 65535, or a placeholder");
  } else {
    in.placeholders("port", probe.port);
    const bool lacks_port = !has_port(service) && uses_placeholder(probe.port, "port");
    const bool lacks_base_port = service.base_port == 0 && uses_placeholder(probe.port, "base_port");
    if (lacks_port) in.under("port").port_fault(fmt::format("{{port}} is used, but {}", missing_port));
    if (lacks_base_port) in.under("port").port_fault("{base_port} is used, but the service has no base_port");
    if (!lacks_port && !lacks_base_port && !is_port_of_each(service, probe.port)) {
      in.fault("port", R"(expected placeholders that make a port from 1 to 65535, such as "{port}")");
    }
  }
}

void check_probe(const section& in, const probe_spec& probe, const service_spec& service) {
  switch (probe.type) {
    case probe_spec::kind::http:
      check_http(in, probe);
      check_address(in, probe, service);
      break;
    case probe_spec::kind::tcp: check_address(in, probe, service); break;
    case probe_spec::kind::exec:
      if (probe.exec_argv.empty() || probe.exec_argv.front().empty()) {
        in.fault("exec", R"(expected a program and its arguments, such as ["/usr/bin/check", "{port}"])");
      }
      check_words(in.under("exec"), probe.exec_argv);
      break;
  }
  in.between("interval", probe.interval, 10ms);
  in.between("timeout", probe.timeout, 1ms);
  in.between("failures", probe.failures, 1, 1'000);
}

void check_heartbeat(const section& in, const heartbeat_spec& heartbeat) {
  in.between("expected", heartbeat.expected, 1ms);
  in.between("drift", heartbeat.drift, 0s);
  const duration beyond = saturating_add(instant(heartbeat.drift), -heartbeat.expected).time_since_epoch();
  if (heartbeat.expected >= 1ms && beyond > heartbeat.expected) {
    in.fault("drift", "expected",
             fmt::format("{} is more than twice the expected {}: it would be dead before it is degraded",
                         format_duration(heartbeat.drift), format_duration(heartbeat.expected)));
  }
}

void check_errors(const section& in, const error_rate_spec& errors) {
  in.share("degraded", errors.degraded);
  in.share("unhealthy", errors.unhealthy);
  if (errors.degraded > errors.unhealthy) {
    in.fault("degraded", "unhealthy",
             fmt::format("{} is above unhealthy ({}): the thresholds are crossed", errors.degraded, errors.unhealthy));
  }
}

void check_memory(const section& in, const memory_spec& memory) {
  using bound = std::pair<std::string_view, std::optional<std::uint64_t>>;
  const bound bounds[] = {
      {"soft", memory.soft_bytes}, {"hard", memory.hard_bytes}, {"limit", memory.limit_bytes}};
  const bound* lower = nullptr;
  for (const bound& each : bounds) {
    const auto& [key, bytes] = each;
    if (!bytes) continue;
    in.size_between(key, *bytes, 1ull << 20, 1ull << 50);
    if (lower != nullptr && *lower->second > *bytes) {
      in.fault(lower->first, key,
               fmt::format("{} is above {} ({})", format_size(*lower->second), key, format_size(*bytes)));
    }
    lower = &each;
  }
}

void check_restart(const section& in, const restart_spec& restart) {
  in.between("base", restart.backoff.base, 1ms);
  in.between("cap", restart.backoff.cap, 1ms);
  if (restart.backoff.base > restart.backoff.cap) {
    in.fault("base", "cap",
             fmt::format("{} is above cap ({})", format_duration(restart.backoff.base),
                         format_duration(restart.backoff.cap)));
  }
  if (restart.backoff.jitter_permille > 1'000) in.fault("jitter", "expected a share from 0 to 1");
  in.between("attempts", restart.attempts, 0, 1'000'000);
  in.between("reset_after", restart.reset_after, 100ms);  // shorter, and a crash loop would never end
  in.between("cool", restart.cool, 0s);
}

void check_stop(const section& in, const stop_spec& stop) {
  if (stop.signal < 1 || stop.signal > 64) in.fault("signal", "expected a signal from 1 to 64");
  if (stop.diagnostic_signal < 0 || stop.diagnostic_signal > 64) {
    in.fault("diagnostic_signal", "expected a signal from 1 to 64");
  }
  in.between("timeout", stop.timeout, 0s);
}

void check_service(const section& in, const service_spec& service) {
  if (std::string fault = name_fault(service.name); !fault.empty()) in.fault(std::move(fault));
  check_command(in, service);
  check_environment(in, service.env);
  in.placeholders("cwd", service.cwd);
  if (has_nul(service.cwd)) in.fault("cwd", "a path cannot hold a NUL character");
  check_port_use(in, service);
  in.between("instances", service.instances.size(), 1, max_instances);
  in.between("stagger", service.stagger, 0s);
  in.under("start").between("stall", service.start.stall, 1ms);
  in.under("start").between("timeout", service.start.timeout, 1ms);
  if (service.health) check_probe(in.under("health"), *service.health, service);
  if (service.start_probe) check_probe(in.under("start"), *service.start_probe, service);
  if (service.heartbeat) check_heartbeat(in.under("heartbeat"), *service.heartbeat);
  check_errors(in.under("errors"), service.errors);
  check_memory(in.under("memory"), service.memory);
  check_restart(in.under("restart"), service.restart);
  check_stop(in.under("stop"), service.stop);
  in.under("logs").size_between("size", service.logs.size_bytes, 1ull << 10, 1ull << 40);
  in.under("logs").between("keep", service.logs.keep, 1, 1'000);
}

// --- services beside each other ----------------------------------------------------------------------------------

using services_by_name = std::map<std::string_view, const service_spec*>;

void check_instance_names(const section& all, const cluster_spec& spec, const services_by_name& services) {
  std::map<std::string_view, std::string_view> owner;
  for (const service_spec& service : spec.services) {
    const section names = all.under(service.name).under("names");
    for (std::size_t i = 0; i < service.instances.size(); ++i) {
      const std::string& name = service.instances[i].name;
      const std::string at = std::to_string(i);
      const bool is_derived = name.starts_with(service.name) && !name_fault(service.name).empty();
      if (std::string fault = name_fault(name); !fault.empty() && !is_derived) names.fault(at, std::move(fault));
      if (const auto [earlier, fresh] = owner.emplace(name, service.name); !fresh) {
        names.fault(at, fmt::format("there is already an instance \"{}\" in service {}", name, earlier->second));
      }
      const bool is_service = services.contains(name);
      const bool is_own_and_only = name == service.name && service.instances.size() == 1;
      if (is_service && name != service.name) {
        names.fault(at, fmt::format("an instance cannot be called like the service \"{}\"", name));
      } else if (is_service && !is_own_and_only) {
        names.fault(at, fmt::format("only a single instance may be called like its service \"{}\"", name));
      }
    }
  }
}

void check_ports(const section& all, const cluster_spec& spec) {
  std::map<std::uint16_t, const instance_spec*> owner;
  for (const service_spec& service : spec.services) {
    const section at = all.under(service.name);
    bool reported = false;  // one mistake in base_port makes many clashes
    for (std::size_t i = 0; i < service.instances.size(); ++i) {
      const instance_spec& instance = service.instances[i];
      if (instance.port == 0) continue;
      const auto [earlier, fresh] = owner.emplace(instance.port, &instance);
      if (fresh || reported) continue;
      std::string message = fmt::format("port {} of instance \"{}\" is also that of \"{}\"", instance.port,
                                        instance.name, earlier->second->name);
      if (service.base_port != 0) {
        at.fault("base_port", "port_offset", std::move(message));
        reported = true;
      } else {
        at.under("ports").fault(std::to_string(i), std::move(message));
      }
    }
  }
}

void check_references(const section& all, const cluster_spec& spec, const services_by_name& services) {
  std::vector<std::string_view> known;
  for (const auto& [name, service] : services) known.push_back(name);
  constexpr int most_hints = 16;  // each compares a name with all others
  int hints = 0;
  const auto check = [&](const section& in, const service_spec& service, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == service.name) {
        in.fault(std::to_string(i), "a service cannot wait for itself");
      } else if (!services.contains(names[i])) {
        const std::string_view nearest = ++hints > most_hints ? std::string_view() : nearest_name(names[i], known);
        const std::string hint = nearest.empty() ? "" : fmt::format(": did you mean \"{}\"?", nearest);
        in.fault(std::to_string(i), fmt::format("there is no service \"{}\"{}", names[i], hint));
      }
    }
  };
  for (const service_spec& service : spec.services) {
    check(all.under(service.name).under("after"), service, service.after);
    check(all.under(service.name).under("needs"), service, service.needs);
  }
}

// Walks along after and needs, depth first, and reports each edge that leads back to where the walk came from.
class cycle_finder {
 public:
  cycle_finder(const section& all, const services_by_name& services) : all_(all), services_(services) {}

  void visit(const service_spec& service) {
    if (!seen_.emplace(service.name, true).second) return;
    trail_.push_back(service.name);
    follow(service, "after", service.after);
    follow(service, "needs", service.needs);
    trail_.pop_back();
  }

 private:
  void follow(const service_spec& from, std::string_view key, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto to = services_.find(names[i]);
      if (to == services_.end() || to->second == &from) continue;
      const auto back = std::find(trail_.begin(), trail_.end(), names[i]);
      if (back == trail_.end()) {
        visit(*to->second);
      } else {
        all_.under(from.name).under(std::string(key)).fault(
            std::to_string(i), fmt::format("a cycle: {} → {}", fmt::join(back, trail_.end(), " → "), names[i]));
      }
    }
  }

  const section& all_;
  const services_by_name& services_;
  std::map<std::string_view, bool> seen_;
  std::vector<std::string_view> trail_;
};

void check_services(std::vector<spec_fault>& faults, const cluster_spec& spec) {
  const section all(faults, {"service"});
  services_by_name services;
  std::size_t instances = 0;
  for (const service_spec& service : spec.services) {
    if (!services.emplace(service.name, &service).second) {
      all.fault(service.name, fmt::format("there are two services \"{}\"", service.name));
    }
    check_service(all.under(service.name), service);
    instances += service.instances.size();
  }
  if (instances > max_instances) {
    all.fault(fmt::format("a cluster has at most {} instances, this one {}", max_instances, instances));
  }
  check_instance_names(all, spec, services);
  check_ports(all, spec);
  check_references(all, spec, services);
  cycle_finder cycles(all, services);
  for (const service_spec& service : spec.services) cycles.visit(service);
}

}  // namespace

std::string to_string(const key_path& path) {
  std::string text;
  for (const std::string& key : path) {
    const bool is_index = !text.empty() && !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
    text += is_index ? fmt::format("[{}]", key) : text.empty() ? key : "." + key;
  }
  return text;
}

std::string name_fault(std::string_view name) {
  if (name.empty()) return "a name cannot be empty";
  if (name.size() > longest_name) return fmt::format("a name has at most {} characters", longest_name);
  if (name.front() == '-' || name.front() == '.') {
    return fmt::format("the name \"{}\" cannot begin with {}", name, name.front());
  }
  if (std::all_of(name.begin(), name.end(), is_name_character)) return {};
  return fmt::format("the name \"{}\" may hold only letters, digits and . _ - : @", name);
}

std::string http_path_fault(std::string_view path) {
  if (!path.starts_with('/')) {
    return "expected a path that begins with /; host and port have keys of their own";
  }
  const bool clean = std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!clean) return "a path holds only printable ASCII: write a space as %20, and others likewise";
  if (auto error = check_placeholders(path)) return std::move(error->message);
  return {};
}

std::vector<spec_fault> find_faults(const cluster_spec& spec) {
  std::vector<spec_fault> faults;
  const section cluster(faults, {"cluster"});
  if (std::string fault = name_fault(spec.name); !fault.empty()) cluster.fault("name", std::move(fault));
  if (has_nul(spec.state_dir)) cluster.fault("state_dir", "a path cannot hold a NUL character");
  cluster.between("start_concurrency", spec.start_concurrency, 1, max_instances);
  if (spec.services.empty()) {
    faults.push_back({{"service"}, "expected at least one service: [service.NAME] with a command"});
  } else if (spec.services.size() > max_services) {
    faults.push_back({{"service"}, fmt::format("a cluster has at most {} services", max_services)});
  } else {
    check_services(faults, spec);
  }
  return faults;
}

std::vector<std::string> validate(const cluster_spec& spec) {
  std::vector<std::string> lines;
  for (const spec_fault& fault : find_faults(spec)) {
    lines.push_back(fmt::format("{}: {}", to_string(fault.where), fault.message));
  }
  return lines;
}

}  // namespace hale
