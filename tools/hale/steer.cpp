// hale start, stop and restart: one command for each name, all at once; if a name is unknown none is touched.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "client.hpp"
#include "commands.hpp"
#include "hale/async/scope.hpp"
#include "hale/async/semaphore.hpp"
#include "hale/base/text.hpp"
#include "hale/wire/url.hpp"
#include "status_table.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr std::size_t most_at_once = 16;  // the supervisor lets a bounded number of commands wait

struct target {
  target(std::string called, bool service) : name(std::move(called)), is_service(service) {}
  std::string name;
  bool is_service = false;
};

std::optional<target> find_target(const cluster_status& status, const std::string& name) {
  for (const service_status& service : status.services) {
    if (service.name == name) return target(name, true);
  }
  for (const service_status& service : status.services) {
    for (const instance_status& one : service.instances) {
      if (one.name == name) return target(name, false);
    }
  }
  return std::nullopt;
}

failure unknown_name(const cluster_status& status, const std::string& name) {
  std::vector<std::string_view> known;
  for (const service_status& service : status.services) {
    known.push_back(service.name);
    for (const instance_status& one : service.instances) known.push_back(one.name);
  }
  const std::string_view near = nearest_name(name, known);
  const std::string next = near.empty() ? "see `hale status` for the names" : fmt::format("did you mean {}?", near);
  return {exit_failed, fmt::format("nothing is called '{}' in {}; {}", fitted(name, 60), status.cluster, next)};
}

result<std::vector<target>, failure> find_targets(const cluster_status& status, const steer_command& command) {
  std::vector<target> found;
  if (command.all) {
    for (const service_status& service : status.services) found.push_back(target(service.name, true));
    return found;
  }
  for (const std::string& name : command.names) {
    const auto match = find_target(status, name);
    if (!match) return unknown_name(status, name);
    const bool again = std::any_of(found.begin(), found.end(), [&](const target& one) { return one.name == name; });
    if (!again) found.push_back(*match);
  }
  return found;
}

std::string_view outcome_of(const steer_command& command) {
  if (!command.wait) return "asked";
  if (command.verb == "stop") return "stopped";
  return command.verb == "start" ? "serving" : "restarted";
}

// What the commands under way have in common.
struct errand {
  errand(client& to, const steer_command& what) : supervisor(to), command(what) {}
  client& supervisor;
  const steer_command& command;
  semaphore slots{most_at_once};
  std::vector<std::string> pending;
  std::size_t progress_shown = 0;
  int exit_code = exit_done;

  void say(int descriptor, std::string_view text) {
    if (progress_shown > 0) write_all(2, "\r\x1b[K");
    progress_shown = 0;
    write_all(descriptor, text);
  }
};

task<void> carry_out(errand& work, target to) {
  auto slot = co_await work.slots.acquire();
  auto asking = work.supervisor.post(fmt::format("/v1/{}/{}/{}{}", to.is_service ? "services" : "instances",
                                                 percent_encode(to.name), work.command.verb,
                                                 work.command.wait ? "" : "?wait=0"));
  const auto answer = co_await std::move(asking);
  std::erase(work.pending, to.name);
  if (answer) {
    work.say(1, fmt::format("{} {}\n", to.name, outcome_of(work.command)));
  } else {
    work.exit_code = std::max(work.exit_code, answer.error().exit_code);
    work.say(2, fmt::format("hale: {}\n", answer.error().line));
  }
}

// Long work shows progress: what is still waited for, on a terminal only.
task<void> show_progress(errand& work) {
  const instant begun = work.supervisor.time().now();
  while (!co_await work.supervisor.time().sleep_for(std::chrono::seconds(1))) {
    std::string names;
    for (const std::string& name : work.pending) names += (names.empty() ? "" : ", ") + name;
    const std::string waited = short_duration(work.supervisor.time().now() - begun);
    const std::string text = fitted(fmt::format("{} {} … {}", work.command.verb, names, waited), table_width - 1);
    write_all(2, "\r\x1b[K" + text);
    work.progress_shown = text.size();
  }
  work.say(2, "");
}

task<int> steer(client& supervisor, const steer_command& command) {
  auto asking = supervisor.status();
  const auto status = co_await std::move(asking);
  if (!status) co_return complain(status.error().exit_code, status.error().line);
  const auto targets = find_targets(*status, command);
  if (!targets) co_return complain(targets.error().exit_code, targets.error().line);
  errand work(supervisor, command);
  const context here = co_await this_context();
  scope commands(here);
  scope progress(here);
  for (const target& one : *targets) work.pending.push_back(one.name);
  for (const target& one : *targets) commands.spawn(carry_out(work, one));
  if (isatty(2) == 1) progress.spawn(show_progress(work));
  co_await commands.join();
  progress.cancel();
  co_await progress.join();
  co_return work.exit_code;
}

}  // namespace

int execute(const steer_command& command, const command_line& line) {
  const auto socket = client::find_socket(line);
  if (!socket) return complain(socket.error().exit_code, socket.error().line);
  client supervisor(*socket);
  return supervisor.run(steer(supervisor, command));
}

}  // namespace hale::cli
