// hale logs: what the instances printed, and on as they print. Without a running supervisor the files of the state
// directory are read.
#include <fmt/format.h>
#include <dirent.h>
#include <unistd.h>

#include <algorithm>

#include "client.hpp"
#include "commands.hpp"
#include "hale/async/scope.hpp"
#include "hale/base/text.hpp"
#include "hale/os/file_log_store.hpp"
#include "hale/record/event_line.hpp"
#include "hale/wire/url.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr std::size_t longest_shown = 512 * 1024;

// The parts of a line in its kept form, `TIME out|err F|P INCARNATION TEXT`.
struct kept_line {
  std::string_view time;
  std::string_view stream;
  std::string_view text;
};

std::string_view take_word(std::string_view& rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return word;
}

kept_line read_kept(std::string_view line) {
  kept_line parts;
  parts.time = take_word(line);
  parts.stream = take_word(line);
  take_word(line);
  take_word(line);
  parts.text = line;
  return parts;
}

// On a terminal nothing a child printed may steer it; a pipe gets the text as it was.
class printer {
 public:
  printer(const std::vector<std::string>& instances)
      : colours_(palette::for_descriptor(1)), terminal_(isatty(1) == 1), named_(instances.size() > 1) {
    constexpr std::size_t widest = 24;
    for (const std::string& name : instances) name_width_ = std::max(name_width_, std::min(name.size(), widest));
  }
  bool show(std::string_view instance, std::string_view line) const {
    const kept_line parts = read_kept(line);
    const std::string text = terminal_ ? printable(parts.text, longest_shown) : std::string(parts.text);
    std::string out = colours_.faint(parts.time) + " ";
    if (named_) out += colours_.strong(left(instance, name_width_)) + " ";
    out += parts.stream == "err" ? colours_.warning(text) : text;
    return print(out + "\n");
  }

 private:
  palette colours_;
  bool terminal_;
  bool named_;
  std::size_t name_width_ = 0;
};

result<std::vector<std::string>, failure> instances_meant(const cluster_status& status, const std::string& name) {
  std::vector<std::string> found;
  std::vector<std::string_view> known;
  for (const service_status& service : status.services) {
    known.push_back(service.name);
    for (const instance_status& one : service.instances) {
      known.push_back(one.name);
      if (name.empty() || name == service.name || name == one.name) found.push_back(one.name);
    }
  }
  if (!found.empty() || name.empty()) return found;
  const std::string_view near = nearest_name(name, known);
  return failure{exit_failed, fmt::format("nothing is called '{}'; {}", printable(name, 60),
                                          near.empty() ? "see `hale status` for the names"
                                                       : fmt::format("did you mean {}?", near))};
}

task<void> show_log(client& supervisor, const logs_command& command, const printer& out, std::string instance,
                    int& exit_code) {
  auto reading = supervisor.stream(
      fmt::format("/v1/instances/{}/log?n={}&follow={:d}", percent_encode(instance), command.lines, command.follow),
      [&out, instance](std::string_view line) { return out.show(instance, line); });
  const auto ended = co_await std::move(reading);
  if (!ended) exit_code = std::max(exit_code, complain(ended.error().exit_code, ended.error().line));
}

task<int> show_logs(client& supervisor, const logs_command& command) {
  auto asking = supervisor.status();
  const auto status = co_await std::move(asking);
  if (!status) co_return complain(status.error().exit_code, status.error().line);
  const auto instances = instances_meant(*status, command.name);
  if (!instances) co_return complain(instances.error().exit_code, instances.error().line);
  const printer out(*instances);
  int exit_code = exit_done;
  const context here = co_await this_context();
  scope following(here);
  for (const std::string& instance : *instances) {
    following.spawn(show_log(supervisor, command, out, instance, exit_code));
    if (!command.follow) co_await following.join();
  }
  co_await following.join();
  co_return exit_code;
}

// The instances that have a log in the state directory, by their file names.
std::vector<std::string> logged_instances(const std::string& directory) {
  std::vector<std::string> names;
  DIR* entries = opendir(directory.c_str());
  if (entries == nullptr) return names;
  while (const dirent* entry = readdir(entries)) {
    const std::string_view file = entry->d_name;
    if (!file.ends_with(".log")) continue;
    const auto name = parse_target("/" + std::string(file.substr(0, file.size() - 4)));
    if (name && name->path.size() == 1) names.push_back(name->path.front());
  }
  closedir(entries);
  std::sort(names.begin(), names.end());
  return names;
}

int show_files(const logs_command& command, const std::string& state_dir) {
  const std::string directory = state_dir + "/logs";
  const auto kept = logged_instances(directory);
  if (kept.empty()) {
    return complain(exit_unreachable,
                    fmt::format("no supervisor is running on {} and no logs are kept there", state_dir));
  }
  std::vector<std::string> meant = kept;
  if (!command.name.empty()) std::erase_if(meant, [&](const std::string& one) { return one != command.name; });
  if (meant.empty()) return complain(exit_failed, fmt::format("no log is kept of '{}'", printable(command.name, 60)));
  if (command.follow) return complain(exit_unreachable, "no supervisor is running, so there is nothing to follow");
  const printer out(meant);
  os::file_log_store store(directory);
  for (const std::string& instance : meant) {
    for (const std::string& line : store.open(instance, {})->tail(command.lines)) out.show(instance, line);
  }
  return exit_done;
}

}  // namespace

int execute(const logs_command& command, const command_line& line) {
  const auto state_dir = find_state_directory(line.state_dir, line.cluster_name);
  if (!state_dir) return complain(state_dir.error().exit_code, state_dir.error().line);
  if (!is_running(*state_dir)) return show_files(command, *state_dir);
  client supervisor(control_socket_of(*state_dir));
  return supervisor.run(show_logs(supervisor, command));
}

}  // namespace hale::cli
