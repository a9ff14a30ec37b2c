#include "hale/heal/launch.hpp"

#include <charconv>
#include <fmt/format.h>
#include <map>

namespace hale {
namespace {

using environment = std::map<std::string, std::string, std::less<>>;

environment to_map(const std::vector<std::string>& lines) {
  environment variables;
  for (const std::string& line : lines) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) variables.insert_or_assign(line.substr(0, equals), line.substr(equals + 1));
  }
  return variables;
}

std::vector<std::string> to_lines(const environment& variables) {
  std::vector<std::string> lines;
  lines.reserve(variables.size());
  for (const auto& [name, value] : variables) lines.push_back(name + '=' + value);
  return lines;
}

/// What hale itself was told by its own service manager is not for its children.
void drop_own_supervision(environment& variables) {
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
                           "LISTEN_FDNAMES"}) {
    variables.erase(name);
  }
}

void add_identity(environment& variables, const launch_identity& who) {
  variables["HALE_CLUSTER"] = who.cluster;
  variables["HALE_SERVICE"] = who.service.name;
  variables["HALE_NAME"] = who.instance().name;
  variables["HALE_INDEX"] = std::to_string(who.index);
  variables["HALE_INCARNATION"] = std::to_string(who.incarnation.value());
  if (who.instance().port != 0) variables["PORT"] = std::to_string(who.instance().port);
  if (who.service.heartbeat.has_value() && !who.notify_path.empty()) {
    using microseconds = std::chrono::duration<std::int64_t, std::micro>;
    variables["NOTIFY_SOCKET"] = who.notify_path;
    variables["WATCHDOG_USEC"] =
        std::to_string(std::chrono::duration_cast<microseconds>(who.service.heartbeat->expected).count());
  }
}

/// Expands each text, or gives the first error.
class expander {
 public:
  explicit expander(placeholder_values values) : values_(std::move(values)) {}
  std::string operator()(std::string_view text) {
    auto expanded = expand_placeholders(text, values_);
    if (expanded) return std::move(*expanded);
    if (error_.empty()) error_ = expanded.error();
    return {};
  }
  const std::string& error() const { return error_; }

 private:
  placeholder_values values_;
  std::string error_;
};

std::vector<std::string> expand_all(expander& expand, const std::vector<std::string>& texts) {
  std::vector<std::string> expanded;
  expanded.reserve(texts.size());
  for (const std::string& text : texts) expanded.push_back(expand(text));
  return expanded;
}

}  // namespace

placeholder_values placeholders_of(const launch_identity& who) {
  placeholder_values values;
  values.port = who.instance().port;
  values.name = who.instance().name;
  values.index = who.index;
  values.service = who.service.name;
  values.incarnation = who.incarnation.value();
  values.base_port = who.service.base_port;
  return values;
}

result<process_spec, std::string> make_process_spec(const launch_identity& who,
                                                    const std::vector<std::string>& inherited_environment) {
  expander expand(placeholders_of(who));
  environment variables = to_map(inherited_environment);
  drop_own_supervision(variables);
  add_identity(variables, who);
  for (const auto& [name, value] : who.service.env) variables.insert_or_assign(name, expand(value));

  process_spec spec;
  if (who.service.shell) {
    spec.argv = {"/bin/sh", "-c", expand(who.service.command.front())};
  } else {
    environment_words words = split_environment_words(expand_all(expand, who.service.command));
    for (auto& [name, value] : words.environment) variables.insert_or_assign(name, std::move(value));
    spec.argv = std::move(words.argv);
  }
  spec.name = who.instance().name;
  spec.environment = to_lines(variables);
  spec.cwd = expand(who.service.cwd);
  spec.memory_limit_bytes = who.service.memory.limit_bytes.value_or(0);
  if (!expand.error().empty()) return expand.error();
  return spec;
}

result<resolved_probe, std::string> resolve_probe(const probe_spec& probe, const launch_identity& who,
                                                  const std::vector<std::string>& inherited_environment) {
  expander expand(placeholders_of(who));
  resolved_probe resolved;
  resolved.spec = probe;
  resolved.spec.path = expand(probe.path);
  if (probe.type == probe_spec::kind::exec) {
    auto same_surroundings = make_process_spec(who, inherited_environment);
    if (!same_surroundings) return same_surroundings.error();
    resolved.exec = std::move(*same_surroundings);
    resolved.exec.name = who.instance().name + "/probe";
    resolved.exec.argv = expand_all(expand, probe.exec_argv);
    resolved.exec.memory_limit_bytes = 0;
  } else {
    const std::string port_text = probe.port.empty() ? std::to_string(who.instance().port) : expand(probe.port);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (error != std::errc() || end != port_text.data() + port_text.size() || port == 0) {
      return fmt::format("the probe of {} has no port: \"{}\"", who.instance().name, port_text);
    }
    resolved.target = endpoint::tcp(probe.host, port);
  }
  if (!expand.error().empty()) return expand.error();
  return resolved;
}

}  // namespace hale
