#include "hale/config/service_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "hale/base/text.hpp"
#include "hale/config/instance_plan.hpp"
#include "hale/config/later_features.hpp"
#include "hale/config/presets.hpp"

namespace hale {
namespace {

using kind = document_node::kind;

service_spec read_preset(table_reader& in) {
  std::string name;
  if (!in.read_text("preset", name)) return {};
  if (auto preset = find_preset(name)) return std::move(*preset);
  const std::vector<std::string_view> known = preset_names();
  const std::string_view nearest = nearest_name(name, known);
  in.error("preset", nearest.empty()
                         ? fmt::format("there is no preset \"{}\"; known are {}", name, fmt::join(known, ", "))
                         : fmt::format("there is no preset \"{}\": did you mean \"{}\"?", name, nearest));
  return {};
}

// ["ollama", "serve"] for "ollama serve", where nothing in it means something to a shell.
std::string words_meant(std::string_view line) {
  if (line.empty() || line.size() > 80 || line.find_first_of("\"'\\$`|&;<>()*?~") != std::string_view::npos) {
    return R"(["…", "…"])";
  }
  std::string words;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    if (!word.empty()) words += fmt::format("{}\"{}\"", words.empty() ? "" : ", ", word);
    line.remove_prefix(std::min(word.size() + 1, line.size()));
  }
  return fmt::format("[{}]", words);
}

// An array of words, or with shell = true one string.
void read_command(table_reader& in, service_spec& service) {
  in.read_flag("shell", service.shell);
  if (service.shell) {
    const document_node* node = in.take("command");
    if (node == nullptr) return;
    if (node->type == kind::text) {
      service.command.assign(1, node->text);
    } else {
      in.expected(in.path_of("command"), *node, "one string for the shell, since shell = true");
    }
    return;
  }
  const document_node* node = in.take("command");
  if (node != nullptr && node->type == kind::text) {
    const std::string hint = fmt::format("write {}, or set shell = true", words_meant(node->text));
    in.expected(in.path_of("command"), *node, "an array of words", hint);
  } else {
    in.read_texts("command", service.command);
  }
}

template <class Field>
void read_optional_integer(table_reader& in, std::string_view key, Field& field) {
  std::int64_t value = 0;
  if (in.read_integer(key, value)) field = value;
}

void read_instances(table_reader& in, service_spec& service, std::size_t most) {
  instance_plan plan;
  plan.service = service.name;
  plan.most = most;
  in.read_texts("names", plan.names);
  if (in.has("names") && plan.names.empty() && !in.report().is_broken(in.path_of("names"))) {
    in.error("names", "expected at least one name");
  }
  read_optional_integer(in, "instances", plan.count);
  read_optional_integer(in, "base_port", plan.base_port);
  read_optional_integer(in, "port_offset", plan.port_offset);
  in.read_integers("ports", plan.ports);
  if (in.has("ports") && plan.ports.empty() && !in.report().is_broken(in.path_of("ports"))) {
    in.error("ports", "expected one port for each instance");
  }
  std::vector<instance_plan::fault> faults;
  service.instances = plan.make(faults);
  for (const instance_plan::fault& fault : faults) {
    if (!in.report().is_broken(in.path_of(fault.key))) in.error(fault.key, fault.message);
  }
  if (plan.base_port && *plan.base_port >= 1 && *plan.base_port <= 65'535) {
    service.base_port = static_cast<std::uint16_t>(*plan.base_port);
  }
  // What rests on the ports is not complained of twice.
  for (const std::string_view key : {"names", "instances", "ports", "port_offset"}) {
    if (in.report().is_broken(in.path_of(key))) in.report().mark_broken(in.path_of("base_port"));
  }
}

void read_port_text(table_reader& in, std::string& port) {
  const document_node* node = in.take("port");
  if (node == nullptr) return;
  if (node->type == kind::integer) {
    port = std::to_string(node->integer);
  } else {
    if (in.read_text("port", port) && port.empty()) {
      in.error("port", "expected a port from 1 to 65535, or a placeholder");
    }
  }
}

void read_status(table_reader& in, std::vector<int>& status) {
  const document_node* node = in.take("status");
  if (node == nullptr) return;
  std::vector<std::int64_t> codes;
  if (node->type == kind::integer) {
    codes.push_back(node->integer);
  } else if (!in.read_integers("status", codes)) {
    return;
  }
  status.clear();
  for (const std::int64_t code : codes) status.push_back(code >= 0 && code <= 999 ? static_cast<int>(code) : 0);
}

// Which of http, tcp and exec is asked for. True when one is, at most once.
bool read_probe_kind(table_reader& in, probe_spec& probe) {
  std::vector<std::string_view> asked;
  if (in.has("http")) asked.push_back("http");
  bool tcp = false;
  in.read_flag("tcp", tcp);
  if (tcp) asked.push_back("tcp");
  if (in.has("exec")) asked.push_back("exec");
  in.read_text("http", probe.path);
  in.read_texts("exec", probe.exec_argv);
  if (asked.size() > 1) in.error(asked[1], fmt::format("either {}, not both", fmt::join(asked, " or ")));
  if (asked.empty()) return false;
  probe.type = asked[0] == "http"  ? probe_spec::kind::http
               : asked[0] == "tcp" ? probe_spec::kind::tcp
                                   : probe_spec::kind::exec;
  return true;
}

void refuse_foreign_keys(table_reader& in, const probe_spec& probe) {
  if (probe.type != probe_spec::kind::http) {
    for (const std::string_view key : {"method", "headers", "status", "body"}) {
      if (in.has(key)) in.error(key, "only a probe with http has this");
    }
  }
  if (probe.type == probe_spec::kind::exec) {
    for (const std::string_view key : {"host", "port"}) {
      if (in.has(key)) in.error(key, "a probe with exec has no address");
    }
  }
}

void read_health(table_reader& in, service_spec& service) {
  const document_node* node = in.take("health");
  if (node != nullptr && node->type == kind::text) {
    return in.expected(in.path_of("health"), *node, "a table", R"(write { http = "/…" })");
  }
  auto health = in.read_table("health");
  if (!health) return;
  probe_spec probe = service.health.value_or(probe_spec());
  if (read_probe_kind(*health, probe)) {
    service.start_probe.reset();
  } else if (!service.health && !health->has("tcp")) {
    in.error("health", "expected one of http = \"/path\", tcp = true or exec = [\"…\"]");
  } else if (!service.health && !in.report().is_broken(health->path_of("tcp"))) {
    in.error("health", "tcp = false leaves no probe: expected one of http, tcp or exec");
  }
  health->read_text("host", probe.host);
  read_port_text(*health, probe.port);
  health->read_text("method", probe.method);
  health->read_text_map("headers", probe.headers);
  read_status(*health, probe.status);
  health->read_text("body", probe.body_contains);
  health->read_duration("interval", probe.interval);
  health->read_duration("timeout", probe.timeout);
  health->read_count("failures", probe.failures);
  refuse_foreign_keys(*health, probe);
  health->finish();
  // Whether it lacks a port is not known then.
  if (in.report().is_broken(health->path_of("port"))) in.report().mark_broken(in.path_of("base_port"));
  service.health = std::move(probe);
  if (service.start_probe) {
    const std::string path = service.start_probe->path;
    service.start_probe = service.health;
    service.start_probe->path = path;
  }
}

void read_start(table_reader& in, start_spec& start) {
  auto table = in.read_table("start");
  if (!table) return;
  table->read_duration("stall", start.stall);
  table->read_duration("timeout", start.timeout);
  table->finish();
  if (start.stall > start.timeout && table->has("stall")) {
    in.report().warning(table->path_of("stall"),
                        fmt::format("{} is longer than timeout ({}): it never comes to pass",
                                    format_duration(start.stall), format_duration(start.timeout)));
  }
}

void read_heartbeat(table_reader& in, service_spec& service) {
  auto table = in.read_table("heartbeat");
  if (!table) return;
  heartbeat_spec heartbeat;
  table->read_duration("expected", heartbeat.expected);
  table->read_duration("drift", heartbeat.drift);
  table->finish();
  service.heartbeat = heartbeat;
}

void read_errors(table_reader& in, error_rate_spec& errors) {
  auto table = in.read_table("errors");
  if (!table) return;
  table->read_share("degraded", errors.degraded);
  table->read_share("unhealthy", errors.unhealthy);
  table->finish();
}

void read_memory(table_reader& in, memory_spec& memory) {
  auto table = in.read_table("memory");
  if (!table) return;
  std::uint64_t bytes = 0;
  if (table->read_size("soft", bytes)) memory.soft_bytes = bytes;
  if (table->read_size("hard", bytes)) memory.hard_bytes = bytes;
  if (table->read_size("limit", bytes)) memory.limit_bytes = bytes;
  table->finish();
}

void read_restart(table_reader& in, restart_spec& restart) {
  auto table = in.read_table("restart");
  if (!table) return;
  static constexpr std::array<std::string_view, 3> policies = {"always", "on-failure", "never"};
  auto policy = static_cast<std::size_t>(restart.policy);
  table->read_choice("policy", policies, policy);
  restart.policy = static_cast<restart_when>(policy);
  table->read_duration("base", restart.backoff.base);
  table->read_duration("cap", restart.backoff.cap);
  double jitter = 0;
  if (table->read_share("jitter", jitter)) {
    restart.backoff.jitter_permille = static_cast<std::uint32_t>(std::lround(jitter * 1'000));
  }
  table->read_count("attempts", restart.attempts);
  table->read_duration("reset_after", restart.reset_after);
  table->read_duration("cool", restart.cool);
  table->finish();
}

void read_stop(table_reader& in, stop_spec& stop) {
  auto table = in.read_table("stop");
  if (!table) return;
  table->read_signal("signal", stop.signal);
  table->read_duration("timeout", stop.timeout);
  table->read_signal("diagnostic_signal", stop.diagnostic_signal);
  read_drain(*table);
  table->finish();
}

void read_logs(table_reader& in, log_limits& logs) {
  auto table = in.read_table("logs");
  if (!table) return;
  table->read_size("size", logs.size_bytes);
  table->read_count("keep", logs.keep);
  table->finish();
}

}  // namespace

service_spec read_service(table_reader in, std::size_t most_instances) {
  service_spec service = read_preset(in);
  service.name = in.path().back();
  read_command(in, service);
  in.read_text_map("env", service.env);
  in.read_text("cwd", service.cwd);
  read_instances(in, service, most_instances);
  in.read_duration("stagger", service.stagger);
  in.read_texts("after", service.after);
  in.read_texts("needs", service.needs);
  read_start(in, service.start);
  read_health(in, service);
  read_heartbeat(in, service);
  read_errors(in, service.errors);
  read_memory(in, service.memory);
  read_restart(in, service.restart);
  read_stop(in, service.stop);
  read_logs(in, service.logs);
  read_later_service_features(in, service);
  in.finish();
  return service;
}

}  // namespace hale
