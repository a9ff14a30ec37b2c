#include "hale/sim/run/program_run.hpp"

#include <charconv>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "hale/sim/program/model_server.hpp"
#include "hale/sim/program/strangers.hpp"
#include "hale/sim/world/seat.hpp"

namespace hale::sim {
namespace {

constexpr std::uint64_t pick_window = 4;
constexpr std::string_view probe_suffix = "/probe";

std::uint16_t port_of(const process_spec& spec) {
  constexpr std::string_view name = "PORT=";
  std::uint16_t port = 0;
  for (const std::string& line : spec.environment) {
    if (!line.starts_with(name)) continue;
    const char* const end = line.data() + line.size();
    if (std::from_chars(line.data() + name.size(), end, port).ptr != end) port = 0;
  }
  return port;
}

/// Any command is a model server of its own; a probe command looks whether that listens.
class any_command {
 public:
  result<program, spawn_error> load(const process_spec& spec) {
    const std::uint16_t port = port_of(spec);
    if (spec.name.ends_with(probe_suffix)) return connect_probe(port);
    server_profile profile;
    if (port != 0) profile.ports.push_back(port);
    return model_server(profile, conditions_[spec.name]);
  }

 private:
  std::map<std::string, server_condition> conditions_;
};

struct outcome {
  std::optional<int> number;
  std::exception_ptr thrown;
};

task<void> run_to_end(task<int> body, scheduler& time, outcome& into) {
  try {
    into.number = co_await std::move(body);
  } catch (...) {
    into.thrown = std::current_exception();
  }
  time.halt();
}

}  // namespace

int run(std::uint64_t seed, const std::function<task<int>(world&)>& program) {
  seed_driver driver(seed);
  choices chance(driver);
  trace record;
  scheduler_options steps;
  steps.pick_window = pick_window;
  scheduler time(chance, record, steps);
  fabric net(time);
  truth truth_of_it;
  any_command commands;
  machine place(time, net, truth_of_it);
  outcome end;
  seat chair(place, [&](const process_spec& spec) { return commands.load(spec); });
  chair.runs_on().start(run_to_end(program(chair.world()), time, end));
  const run_end how = time.run_until(instant::max());
  if (end.thrown) std::rethrow_exception(end.thrown);
  if (end.number) return *end.number;
  throw std::runtime_error(how == run_end::livelock ? "hale::sim::run: time stands still: a livelock"
                                                    : "hale::sim::run: the program waits for what can never come");
}

}  // namespace hale::sim
