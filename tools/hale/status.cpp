// hale status: how the cluster stands, once, or again each second.

#include "client.hpp"
#include "commands.hpp"
#include "hale/record/status_json.hpp"
#include "live_view.hpp"
#include "status_table.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

task<int> show_once(client& supervisor, bool json) {
  auto asking = supervisor.status();
  const auto status = co_await std::move(asking);
  if (!status) co_return complain(status.error().exit_code, status.error().line);
  print(json ? status_json(*status) + "\n" : status_table(*status, palette::for_descriptor(1)));
  co_return exit_done;
}

task<int> watch(client& supervisor, bool json) {
  live_view view(1);
  for (;;) {
    auto asking = supervisor.status();
    const auto status = co_await std::move(asking);
    if (!status) co_return complain(status.error().exit_code, status.error().line);
    const bool shown = json ? print(status_json(*status) + "\n") : view.show(status_table(*status, view.colours()));
    if (!shown) co_return exit_done;
    co_await supervisor.time().sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

int execute(const status_command& command, const command_line& line) {
  const auto socket = client::find_socket(line);
  if (!socket) return complain(socket.error().exit_code, socket.error().line);
  client supervisor(*socket);
  return supervisor.run(command.watch ? watch(supervisor, command.json) : show_once(supervisor, command.json));
}

}  // namespace hale::cli
