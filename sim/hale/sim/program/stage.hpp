// One simulated cluster with everything around it: a machine, the supervisor on it, the servers it starts, people who
// use them, and the person who is paged when something is held.
//
//     stage play(chance, record, spec);
//     play.raise();
//     play.time().run_until(...);
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/supervisor.hpp"
#include "hale/sim/program/cast.hpp"
#include "hale/sim/world/seat.hpp"
#include "hale/sim/world/site.hpp"

namespace hale::sim {

struct stage_options {
  stage_options() = default;
  scheduler_options steps;
  machine_options machine;
  bool with_traffic = false;   ///< clients send requests and report what became of them
  bool with_operator = true;   ///< somebody starts again what is held, some time after the alert
  bool reuse_port = false;     ///< the servers bind as vLLM does: any number to one port
  /// What the supervisor is told instead of the true specification; for planting mistakes.
  std::function<void(cluster_spec&)> misread;
  /// Gives the supervisor another world than its seat's; for planting mistakes. What it returns lives as long as the
  /// supervisor.
  std::function<std::shared_ptr<hale::world>(seat&)> deceive;
  /// Stands between the supervisor and everybody it tells its events; for planting mistakes.
  std::function<void(event&)> forge;
};

class stage final : event_sink {
 public:
  /// `chance` and `record` outlive it.
  stage(choices& chance, trace& record, cluster_spec spec, stage_options options = {});
  /// Beside others on one site, which outlives it and has its own scheduler options; each machine needs its own name.
  stage(site& on, cluster_spec spec, stage_options options = {});
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage();

  scheduler& time() noexcept { return site_.time(); }
  fabric& net() noexcept { return site_.net(); }
  truth& record() noexcept { return truth_; }
  machine& place() noexcept { return machine_; }
  hale::sim::cast& actors() noexcept { return actors_; }
  const cluster_spec& spec() const noexcept { return spec_; }
  bool with_traffic() const noexcept { return options_.with_traffic; }

  /// Starts the supervisor, the clients and the operator.
  void raise();
  /// Told every event of the cluster, of every supervisor that runs it one after the other.
  void subscribe(event_sink& sink) { sinks_.push_back(&sink); }

  /// The present supervisor and its place; null while it is dead.
  hale::supervisor* supervisor() noexcept { return supervisor_.get(); }
  hale::sim::seat* seat() noexcept { return seat_.get(); }
  /// Runs `act` in a step of the supervisor's own; dropped while there is none.
  void tell_supervisor(std::function<task<void>(hale::supervisor&)> act);
  /// SIGKILL to the supervisor, at whatever it waits for; the next one is started after `absence`.
  void crash_supervisor(duration absence);
  /// From now on nobody starts anything by hand, and no client sends requests.
  void dismiss_people();
  void request_stop(std::string reason);
  bool supervisor_done() const noexcept { return seat_ != nullptr && seat_->runs_on().idle(); }

  /// As last told by the supervisor.
  instance_state state_of(std::string_view instance) const noexcept;
  std::uint64_t supervisor_steps() const noexcept;

 private:
  void on_event(const event& what) noexcept override;
  void seat_supervisor();
  task<void> come_back(duration absence);
  task<void> run_supervisor();
  task<void> pump_notifications();
  task<void> send_requests(std::string instance, std::uint16_t port);
  task<void> answer_page(std::string instance);

  stage(std::unique_ptr<site> own, cluster_spec spec, stage_options options);

  const cluster_spec spec_;
  stage_options options_;
  std::unique_ptr<site> own_site_;
  site& site_;
  truth truth_;
  machine machine_;
  hale::sim::cast actors_;
  node& people_;
  std::unique_ptr<hale::sim::seat> seat_;
  std::shared_ptr<hale::world> deceived_;
  std::unique_ptr<hale::supervisor> supervisor_;
  std::vector<event_sink*> sinks_;
  std::map<std::string, instance_state, std::less<>> states_;
  std::set<std::string, std::less<>> paged_;
  bool dismissed_ = false;
};

}  // namespace hale::sim
