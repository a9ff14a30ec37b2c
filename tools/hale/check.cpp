// hale check: every mistake of a cluster file, with its place.
#include <fmt/format.h>

#include "cluster.hpp"
#include "commands.hpp"
#include "terminal.hpp"

namespace hale::cli {

int execute(const check_command& command, const command_line&) {
  const std::string path = command.file.empty() ? "hale.toml" : command.file;
  const loaded_cluster loaded = load_cluster_file(path);
  for (const std::string& warning : loaded.warnings) write_all(2, fmt::format("{} (warning)\n", warning));
  for (const std::string& error : loaded.errors) write_all(2, error + "\n");
  for (const std::string& feature : loaded.unsupported) write_all(2, feature + "\n");
  if (!loaded.spec) return exit_usage;
  std::size_t instances = 0;
  for (const service_spec& service : loaded.spec->services) instances += service.instances.size();
  print(fmt::format("{}: cluster {}, {} service{}, {} instance{}{}\n", path, loaded.spec->name,
                    loaded.spec->services.size(), loaded.spec->services.size() == 1 ? "" : "s", instances,
                    instances == 1 ? "" : "s", loaded.unsupported.empty() ? ", all good" : "; not to be run yet"));
  return exit_done;
}

}  // namespace hale::cli
