#include "hale/sim/oracle/all_oracles.hpp"

#include <array>

#include "hale/sim/oracle/event_oracles.hpp"
#include "hale/sim/oracle/liveness_oracles.hpp"
#include "hale/sim/oracle/process_oracles.hpp"
#include "hale/sim/oracle/restart_oracles.hpp"
#include "hale/sim/oracle/sanity_oracles.hpp"

namespace hale::sim {
namespace {

constexpr std::array<pending_oracle, 5> pending = {{
    {9, "requests_answered", "draining"},
    {10, "no_new_connections_while_draining", "draining"},
    {11, "rolling_restart_keeps_serving", "rolling restarts"},
    {13, "replay_after_crash", "the journal and adoption"},
    {14, "commands_survive", "the journal and adoption"},
}};

}  // namespace

void add_all_oracles(judge& to) {
  add_process_oracles(to);
  add_restart_oracles(to);
  add_event_oracles(to);
  add_liveness_oracles(to);
  add_sanity_oracles(to);
}

std::span<const pending_oracle> pending_oracles() noexcept { return pending; }

}  // namespace hale::sim
