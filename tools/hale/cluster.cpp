#include "cluster.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "files.hpp"
#include "hale/config/cluster_file.hpp"
#include "hale/config/command_line_spec.hpp"
#include "hale/heal/validate.hpp"
#include "state_directory.hpp"

namespace hale::cli {
namespace {

constexpr std::size_t longest_file = 4 * 1024 * 1024;

loaded_cluster describe(hale::command_line described, const std::string& cluster_name) {
  described.name = cluster_name;
  parsed_command_line made = make_cluster(described);
  loaded_cluster loaded;
  loaded.spec = std::move(made.spec);
  loaded.errors = std::move(made.errors);
  return loaded;
}

}  // namespace

loaded_cluster load_cluster_file(const std::string& path) {
  loaded_cluster loaded;
  const auto text = read_file(path, longest_file + 1);
  if (!text || text->size() > longest_file) {
    const std::string why = text ? "it is larger than 4 MiB" : std::strerror(errno);
    loaded.errors.push_back(fmt::format("cannot read {}: {}; name another file, or a command after --", path, why));
    return loaded;
  }
  parsed_cluster parsed = parse_cluster(*text, path);
  for (const config_error& error : parsed.errors) loaded.errors.push_back(to_string(error));
  for (const config_error& warning : parsed.warnings) loaded.warnings.push_back(to_string(warning));
  for (const unsupported_feature& feature : parsed.unsupported) loaded.unsupported.push_back(to_string(feature));
  loaded.spec = std::move(parsed.spec);
  return loaded;
}

loaded_cluster load_cluster(const run_command& command, const std::string& cluster_name) {
  if (!command.described.command.empty()) return describe(command.described, cluster_name);
  loaded_cluster loaded = load_cluster_file(command.file.empty() ? "hale.toml" : command.file);
  if (!loaded.spec || cluster_name.empty()) return loaded;
  loaded.spec->name = cluster_name;
  if (const std::string fault = name_fault(cluster_name); !fault.empty()) {
    loaded.errors.push_back(fmt::format("--name: {}", fault));
    loaded.spec.reset();
  }
  return loaded;
}

std::optional<std::string> state_directory_of_file(const std::string& path) {
  const auto text = read_file(path, longest_file);
  if (!text) return std::nullopt;
  const parsed_cluster parsed = parse_cluster(*text, path);
  if (!parsed.spec) return std::nullopt;
  if (!parsed.spec->state_dir.empty()) return parsed.spec->state_dir;
  const auto usual = default_state_directory(parsed.spec->name);
  return usual ? std::optional(*usual) : std::nullopt;
}

}  // namespace hale::cli
