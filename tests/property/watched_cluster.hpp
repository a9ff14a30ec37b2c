// A supervisor in a world of test doubles, and beside it a plain book of what behaviour promises: everything that the
// supervisor says or does is compared with the book as it happens, and the first broken promise is kept.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/supervisor.hpp"
#include "property/chaos_step.hpp"
#include "support/fake_world.hpp"

namespace hale::test {

/// What differs between the clusters that are tried.
struct cluster_shape {
  std::uint8_t web_instances = 1;
  std::uint8_t attempts = 2;
  std::uint8_t concurrency = 1;
  std::uint8_t max_unavailable = 0;
  std::uint8_t draw = 0;    ///< every random draw: none, one, small, large
  bool loads = false;       ///< web is not ready before something says so
  bool besieged = false;    ///< strangers serve some ports at the beginning
  bool gives_up = false;    ///< instead of cooling
  bool staggers = false;    ///< its starts
  bool lenient = false;     ///< web that exits cleanly has finished
  bool ends_wild = false;   ///< else all is made well before the end, and must then get well
};

inline void showValue(const cluster_shape& shape, std::ostream& out) {
  const auto when = [](bool holds, std::string_view word) { return holds ? word : std::string_view(); };
  out << fmt::format("web x {}, {} attempts, {} at once, max_unavailable {}, draw {}{}{}{}{}{}{}", shape.web_instances,
                     shape.attempts, shape.concurrency, shape.max_unavailable, shape.draw, when(shape.loads, ", loads"),
                     when(shape.besieged, ", besieged"), when(shape.gives_up, ", gives up"),
                     when(shape.staggers, ", staggers"), when(shape.lenient, ", lenient"),
                     when(shape.ends_wild, ", ends wild"));
}

/// Behaviour, section 2: the states, and where each may lead.
inline constexpr std::array state_names = std::to_array<std::string_view>(
    {"stopped", "waiting", "starting", "serving", "stopping", "cooling", "held", "foreign", "finished"});

inline const std::map<std::string_view, std::set<std::string_view>> legal_successors = {
    {"stopped", {"waiting"}},
    {"waiting", {"starting", "foreign", "cooling", "held", "stopped"}},
    {"starting", {"serving", "stopping", "waiting", "cooling", "held", "finished"}},
    {"serving", {"stopping", "waiting", "cooling", "held", "finished"}},
    {"stopping", {"stopped", "waiting", "cooling", "held"}},
    {"cooling", {"waiting", "stopped"}},
    {"held", {"waiting", "stopped"}},
    {"foreign", {"waiting", "stopped"}},
    {"finished", {"waiting", "stopped"}},
};

inline std::size_t state_index(std::string_view name) {
  return static_cast<std::size_t>(std::find(state_names.begin(), state_names.end(), name) - state_names.begin());
}

/// How often each transition was seen.
using edge_counts = std::array<std::array<std::uint32_t, state_names.size()>, state_names.size()>;

class watched_cluster final : event_sink {
 public:
  watched_cluster(const cluster_shape& shape, edge_counts& edges);

  /// Returns what is wrong by now; empty: nothing.
  const std::string& take(const chaos_step& step);
  const std::string& end();

 private:
  struct watched {
    std::string name;
    std::string service;
    std::uint16_t port = 0;
    std::string state = "stopped";
    std::uint64_t incarnation = 0;
    bool wanted = true;
    std::uint64_t commands = 0;
    std::uint64_t commands_at_spawn = 0;
    std::uint64_t commands_at_rest = 0;
    instant spawned_at{};
    instant failed_at{};
    instant rested_at{};
    bool cooled = false;              ///< since its last spawn
    std::uint32_t quick_restarts = 0;  ///< since it was told to, or could have become stable
    std::uint32_t restarts_told = 0;
    bool down_by_verdict = false;
    std::optional<cause> alerted;
    test::answer answer = test::answer::ok;
    bool ignores_term = false;
    int spawn_error = 0;
  };

  static cluster_spec make_spec(const cluster_shape& shape);

  // What happens.
  void happen(const chaos_step& step);
  void command(verb what, const std::string& name);
  void end_process(watched& one, std::uint8_t how);
  void print(watched& one, std::uint8_t how);
  void move_stranger(watched& one, std::uint8_t how);
  void toggle_unkillable(watched& one);
  void make_killable(fake_life& life);
  void oversleep();
  void restart_fifty_times(const std::string& name);
  void calm_down();
  std::optional<spawn_error> on_spawn(fake_life& born);
  task<void> start_or_restart(bool restarting, std::string name, bool refused);
  task<void> stop(std::string name, bool refused);

  // What must hold.
  void on_event(const event& what) noexcept override;
  void check_state_event(watched& one, const event& what);
  void check_processes(const watched& one, const event& what);
  void check_disruption(watched& one, const event& what);
  void check_order(const watched& one);
  void check_spawn(watched& one);
  void check_rest(watched& one, const event& what);
  void check_wish(const watched& one, const event& what);
  void check_settled();
  void check_status(const watched& one, const instance_status& shown);
  void check_outcome(command_result::outcome outcome, bool refused, const std::string& name);
  template <class... Value>
  void broken(fmt::format_string<Value...> promise, Value&&... values) {
    if (fault_.empty()) fault_ = fmt::format(promise, std::forward<Value>(values)...);
  }

  watched* find(std::string_view name);
  std::vector<watched*> resolve(std::string_view name);
  bool may_survive(const fake_life& life) const { return ever_unkillable_.contains(life.pid); }
  bool any_of(std::string_view service, std::string_view state);
  std::size_t alive_of(std::string_view name, bool surely_mortal) const;
  fake_life* life_of(std::string_view name);

  cluster_shape shape_;
  edge_counts& edges_;
  fake_world world_;
  std::vector<watched> book_;
  std::vector<std::string> names_;  ///< of instances and services
  std::set<std::int64_t> ever_unkillable_;
  std::string fault_;
  std::uint64_t sequence_ = 0;
  std::string last_told_;
  bool judging_forbidden_ = false;  ///< the supervisor has just overslept
  bool ending_ = false;
  std::optional<supervisor> cluster_;
  std::vector<std::unique_ptr<root<void>>> commands_;
  std::optional<root<void>> running_;
};

}  // namespace hale::test
