#include <csignal>
#include <exception>

#include "commands.hpp"
#include "terminal.hpp"

int main(int argc, char** argv) try {
  using namespace hale::cli;
  std::signal(SIGPIPE, SIG_IGN);
  const auto line = parse_command_line({argv + (argc > 0 ? 1 : 0), argv + argc});
  if (!line) {
    write_all(line.error().exit_code == exit_done ? 1 : 2, line.error().text);
    return line.error().exit_code;
  }
  return std::visit([&](const auto& command) { return execute(command, *line); }, line->command);
} catch (const std::exception& error) {
  return hale::cli::complain(hale::cli::exit_failed, error.what());
}
