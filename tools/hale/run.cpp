// hale run: hosts a cluster in the foreground until it is told to stop.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "cluster.hpp"
#include "cluster_host.hpp"
#include "commands.hpp"
#include "event_log.hpp"
#include "hale/base/version.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

result<cluster_spec, int> load(const run_command& command, const command_line& line) {
  loaded_cluster loaded = load_cluster(command, line.cluster_name);
  for (const std::string& warning : loaded.warnings) write_all(2, fmt::format("{} (warning)\n", warning));
  for (const std::string& error : loaded.errors) write_all(2, error + "\n");
  for (const std::string& feature : loaded.unsupported) write_all(2, feature + "\n");
  if (!loaded.spec || !loaded.unsupported.empty()) return exit_usage;
  return std::move(*loaded.spec);
}

result<state_directory, failure> claim_state(const cluster_spec& spec, const command_line& line) {
  std::string path = line.state_dir.empty() ? spec.state_dir : line.state_dir;
  if (path.empty()) {
    auto usual = default_state_directory(spec.name);
    if (!usual) return usual.error();
    path = std::move(*usual);
  }
  return state_directory::claim(std::move(path), spec.name);
}

std::string ports_of(const service_spec& service) {
  constexpr std::size_t most_shown = 8;
  std::string ports;
  for (std::size_t at = 0; at < service.instances.size() && at < most_shown; ++at) {
    if (service.instances[at].port != 0) ports += fmt::format(" {}", service.instances[at].port);
  }
  if (ports.empty()) return "";
  return fmt::format(", port{}{}{}", service.instances.size() == 1 ? "" : "s", ports,
                     service.instances.size() > most_shown ? " …" : "");
}

// What a person at the terminal wants to know first, and what to type next.
void greet(const cluster_spec& spec, const state_directory& state) {
  std::string text = fmt::format("hale {}: cluster {}, pid {}\n", HALE_VERSION, spec.name, getpid());
  for (const service_spec& service : spec.services) {
    text += fmt::format("  {}: {} instance{}{}\n", service.name, service.instances.size(),
                        service.instances.size() == 1 ? "" : "s", ports_of(service));
  }
  const bool only_one = running_supervisors().size() <= 1;
  text += fmt::format("  control socket: {}\n  next: hale status{}\n", state.control_socket(),
                      only_one ? "" : fmt::format(" --state {}", state.path()));
  write_all(2, text);
}

}  // namespace

int execute(const run_command& command, const command_line& line) {
  auto spec = load(command, line);
  if (!spec) return spec.error();
  const auto state = claim_state(*spec, line);
  if (!state) return complain(state.error().exit_code, state.error().line);
  event_log log(2);
  cluster_host host(std::move(*spec), *state);
  host.supervisor().subscribe(log);
  if (const auto failed = host.open()) return complain(failed->exit_code, failed->line);
  greet(host.supervisor().spec(), *state);
  malloc_trim(0);  // what parsing needed is not needed any more
  host.run_to_end();
  return exit_done;
}

}  // namespace hale::cli
