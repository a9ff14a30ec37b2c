// hale heartbeat and hale report-request: what an application tells the supervisor about itself.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "client.hpp"
#include "commands.hpp"
#include "hale/wire/url.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

int tell(const command_line& line, std::string target, std::string body) {
  const auto socket = client::find_socket(line);
  if (!socket) return complain(socket.error().exit_code, socket.error().line);
  client supervisor(*socket);
  const auto told = supervisor.run(supervisor.post(std::move(target), std::move(body)));
  return told ? exit_done : complain(told.error().exit_code, told.error().line);
}

bool is_number(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

int execute(const heartbeat_command& command, const command_line& line) {
  const std::string_view kind = is_number(command.target) ? "ports" : "instances";
  return tell(line, fmt::format("/v1/{}/{}/heartbeat", kind, percent_encode(command.target)), "");
}

int execute(const report_command& command, const command_line& line) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(command.took).count();
  return tell(line, fmt::format("/v1/instances/{}/requests", percent_encode(command.name)),
              fmt::format(R"({{"duration_ms":{}.{:03},"ok":{}}})", micros / 1000, micros % 1000, command.ok));
}

}  // namespace hale::cli
