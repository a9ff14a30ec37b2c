// What a user typed, as plain values. Parsing leaves nothing behind: the parser's own objects are gone before a command
// runs, so that the supervisor does not carry them for its whole life.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "hale/base/result.hpp"
#include "hale/base/time.hpp"
#include "hale/config/command_line_spec.hpp"
#include "sim_options.hpp"

namespace hale::cli {

/// Exit codes of every subcommand.
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 3;

struct run_command {
  std::string file;              ///< empty: hale.toml, or none where a command is described
  hale::command_line described;  ///< its command is empty where a file is meant
};
struct check_command {
  std::string file;
};
struct status_command {
  bool json = false;
  bool watch = false;
};
struct steer_command {
  std::string verb;  ///< start, stop or restart
  std::vector<std::string> names;
  bool all = false;
  bool wait = true;
};
struct logs_command {
  std::string name;  ///< empty: all instances
  std::uint32_t lines = 50;
  bool follow = false;
};
struct events_command {
  std::string since;  ///< a duration or an RFC 3339 time, already found well-formed; empty: all that is kept
  bool follow = false;
  bool json = false;
};
struct heartbeat_command {
  std::string target;  ///< an instance or a port
};
struct report_command {
  std::string name;
  duration took{};
  bool ok = true;
};
struct sim_command {
  std::string file;           ///< empty: hale.toml
  sim_options options;        ///< as far as they were given
  std::uint64_t seeds = 1;    ///< runs, with as many seeds
  std::string tape;           ///< is replayed; empty: none is
  std::string record;         ///< where the tape goes; empty: only to where those of failures go
  std::string timeline;       ///< where the picture goes; empty: there is none
  bool shrink = false;
  bool json = false;
};
struct demo_command {
  duration length = std::chrono::seconds(60);
};
struct completion_command {
  std::string shell;
};

struct command_line {
  std::string state_dir;     ///< --state; empty: not given
  std::string cluster_name;  ///< --name; empty: not given
  std::variant<run_command, check_command, status_command, steer_command, logs_command, events_command,
               heartbeat_command, report_command, sim_command, demo_command, completion_command>
      command;
};

/// Why there is no command: help that was asked for (exit 0, on stdout) or a mistake (exit 2, on stderr).
struct no_command {
  int exit_code = exit_usage;
  std::string text;
};

/// `arguments` without the program's own name.
result<command_line, no_command> parse_command_line(std::vector<std::string> arguments);

}  // namespace hale::cli
