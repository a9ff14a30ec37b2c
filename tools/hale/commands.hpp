// The subcommands, one file each. Every one takes what was typed and gives the exit code.
#pragma once

#include "command_line.hpp"

namespace hale::cli {

int execute(const run_command& command, const command_line& line);
int execute(const check_command& command, const command_line& line);
int execute(const status_command& command, const command_line& line);
int execute(const steer_command& command, const command_line& line);
int execute(const logs_command& command, const command_line& line);
int execute(const events_command& command, const command_line& line);
int execute(const heartbeat_command& command, const command_line& line);
int execute(const report_command& command, const command_line& line);
int execute(const sim_command& command, const command_line& line);
int execute(const demo_command& command, const command_line& line);
int execute(const completion_command& command, const command_line& line);

}  // namespace hale::cli
