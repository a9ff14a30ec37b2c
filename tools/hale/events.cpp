// hale events: what happened and why, from the supervisor's history, and on as it happens.
#include <fmt/format.h>

#include "client.hpp"
#include "commands.hpp"
#include "hale/record/event_json.hpp"
#include "hale/record/event_line.hpp"
#include "hale/wire/url.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

std::string for_people(std::string_view line, line_colour colour) {
  if (const auto happened = parse_event(line)) return event_line(happened->what, colour);
  if (const auto missed = parse_gap(line)) return fmt::format("({} events are missing here)", *missed);
  return printable(line);
}

}  // namespace

int execute(const events_command& command, const command_line& line) {
  const auto socket = client::find_socket(line);
  if (!socket) return complain(socket.error().exit_code, socket.error().line);
  std::string target = fmt::format("/v1/events?follow={}", command.follow ? 1 : 0);
  if (!command.since.empty()) target += "&since=" + percent_encode(command.since);
  const line_colour colour = palette::for_descriptor(1).colourful() ? line_colour::ansi : line_colour::none;
  client supervisor(*socket);
  auto reading = supervisor.stream(std::move(target), [&](std::string_view text) {
    return print((command.json ? std::string(text) : for_people(text, colour)) + "\n");
  });
  const auto ended = supervisor.run(std::move(reading));
  return ended ? exit_done : complain(ended.error().exit_code, ended.error().line);
}

}  // namespace hale::cli
