#include "hale/heal/launch.hpp"

#include <charconv>
#include <chrono>
#include <fmt/format.h>

namespace hale {
namespace {

/// What hale itself was told by its own service manager is not for its children.
std::vector<std::string> own_supervision() {
  return {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"};
}

std::vector<std::string> identity_variables(const launch_identity& who) {
  std::vector<std::string> lines;
  lines.reserve(8 + who.service.env.size());
  lines.push_back(fmt::format("HALE_CLUSTER={}", who.cluster));
  lines.push_back(fmt::format("HALE_SERVICE={}", who.service.name));
  lines.push_back(fmt::format("HALE_NAME={}", who.instance().name));
  lines.push_back(fmt::format("HALE_INDEX={}", who.index));
  lines.push_back(fmt::format("HALE_INCARNATION={}", who.incarnation.value()));
  if (who.instance().port != 0) lines.push_back(fmt::format("PORT={}", who.instance().port));
  if (who.service.heartbeat.has_value() && !who.notify_path.empty()) {
    using microseconds = std::chrono::duration<std::int64_t, std::micro>;
    lines.push_back(fmt::format("NOTIFY_SOCKET={}", who.notify_path));
    lines.push_back(fmt::format("WATCHDOG_USEC={}",
                                std::chrono::duration_cast<microseconds>(who.service.heartbeat->expected).count()));
  }
  return lines;
}

/// The last word on a name counts: the command's own over the service's, the service's over hale's.
void set_variable(std::vector<std::string>& lines, std::string_view name, std::string_view value) {
  std::string line = fmt::format("{}={}", name, value);
  for (std::string& known : lines) {
    if (known.size() > name.size() && known[name.size()] == '=' && known.starts_with(name)) {
      known = std::move(line);
      return;
    }
  }
  lines.push_back(std::move(line));
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

result<process_spec, std::string> make_process_spec(const launch_identity& who) {
  expander expand(placeholders_of(who));
  process_spec spec;
  spec.environment = identity_variables(who);
  spec.withheld = own_supervision();
  for (const auto& [name, value] : who.service.env) set_variable(spec.environment, name, expand(value));
  if (who.service.shell) {
    spec.argv = {"/bin/sh", "-c", expand(who.service.command.front())};
  } else {
    // Parted first, as it was checked: what stands for a placeholder never makes a word a variable.
    const environment_words words = split_environment_words(who.service.command);
    for (const auto& [name, value] : words.environment) set_variable(spec.environment, name, expand(value));
    spec.argv = expand_all(expand, words.argv);
  }
  spec.name = who.instance().name;
  spec.cwd = expand(who.service.cwd);
  spec.memory_limit_bytes = who.service.memory.limit_bytes.value_or(0);
  if (!expand.error().empty()) return expand.error();
  return spec;
}

result<resolved_probe, std::string> resolve_probe(const probe_spec& probe, const launch_identity& who) {
  expander expand(placeholders_of(who));
  resolved_probe resolved;
  resolved.spec = &probe;
  if (probe.type == probe_spec::kind::exec) {
    auto same_surroundings = make_process_spec(who);
    if (!same_surroundings) return same_surroundings.error();
    resolved.exec = std::make_unique<process_spec>(std::move(*same_surroundings));
    resolved.exec->name = who.instance().name + "/probe";
    resolved.exec->argv = expand_all(expand, probe.exec_argv);
    resolved.exec->memory_limit_bytes = 0;
  } else {
    resolved.path = expand(probe.path);
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
