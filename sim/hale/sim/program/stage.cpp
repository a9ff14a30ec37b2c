#include "hale/sim/program/stage.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "hale/base/error.hpp"
#include "hale/async/scope.hpp"
#include "hale/wire/http_client.hpp"

namespace hale::sim {
namespace {

constexpr std::string_view notify_path = "/run/hale/notify";
constexpr duration request_interval = std::chrono::seconds(5);
constexpr duration request_timeout = std::chrono::seconds(3);
constexpr std::uint64_t longest_page_minutes = 30;

}  // namespace

stage::stage(choices& chance, trace& record, cluster_spec spec, stage_options options)
    : stage(std::make_unique<site>(chance, record, options.steps), std::move(spec), std::move(options)) {}

stage::stage(std::unique_ptr<site> own, cluster_spec spec, stage_options options)
    : stage(*own, std::move(spec), std::move(options)) {
  own_site_ = std::move(own);
}

stage::stage(site& on, cluster_spec spec, stage_options options)
    : spec_(std::move(spec)), options_(std::move(options)), site_(on),
      machine_(on.time(), on.net(), truth_, options_.machine), actors_(spec_),
      people_(on.time().add_node("people", &machine_.clock())) {
  for (auto& [name, played] : actors_.roles()) {
    played.profile.reuse_port = options_.reuse_port;
    states_[name] = instance_state::stopped;
  }
}

// Coroutines first, then what they stand on.
stage::~stage() {
  truth_.silence();
  sinks_.clear();
  time().retire(people_);
  if (seat_ != nullptr) seat_->runs_on().kill();
  supervisor_.reset();
  seat_.reset();
}

void stage::raise() {
  seat_supervisor();
  if (!options_.with_traffic) return;
  for (const auto& [name, played] : actors_.roles()) {
    if (played.instance().port != 0) people_.start(send_requests(name, played.instance().port));
  }
}

// --- the supervisor -------------------------------------------------------------------------------------------------

void stage::seat_supervisor() {
  seat_ = std::make_unique<hale::sim::seat>(machine_, actors_.loader());
  cluster_spec told = spec_;
  if (options_.misread) options_.misread(told);
  deceived_ = options_.deceive ? options_.deceive(*seat_) : nullptr;
  hale::world& its_world = deceived_ != nullptr ? *deceived_ : seat_->world();
  supervisor_ = std::make_unique<hale::supervisor>(its_world, std::move(told));
  supervisor_->subscribe(*this);
  supervisor_->set_notify_path(std::string(notify_path));
  seat_->runs_on().start(run_supervisor());
}

task<void> stage::run_supervisor() {
  const context here = co_await this_context();
  scope beside(here);
  beside.spawn(pump_notifications());
  auto running = supervisor_->run();
  co_await std::move(running);
  beside.cancel();
  co_await beside.join();
}

task<void> stage::pump_notifications() {
  auto socket = seat_->world().network.bind_datagram(std::string(notify_path));
  if (!socket) co_return;
  for (;;) {
    auto receiving = (*socket)->receive(deadline::never());
    const auto got = co_await std::move(receiving);
    if (!got) co_return;
    supervisor_->on_notify(got->bytes, got->sender_pid);
  }
}

void stage::crash_supervisor(duration absence) {
  if (supervisor_ == nullptr) return;
  seat_->runs_on().kill();
  machine_.kernel().start(come_back(absence));
}

task<void> stage::come_back(duration absence) {
  co_await yield();  // its coroutines are destroyed by now
  supervisor_.reset();
  seat_.reset();
  co_await machine_.clock().sleep_for(absence);
  seat_supervisor();
}

void stage::tell_supervisor(std::function<task<void>(hale::supervisor&)> act) {
  if (supervisor_ == nullptr || seat_->runs_on().killed()) return;
  const auto run = [](std::function<task<void>(hale::supervisor&)> what, hale::supervisor& to) -> task<void> {
    auto acting = what(to);
    co_await std::move(acting);
  };
  seat_->runs_on().start(run(std::move(act), *supervisor_));
}

void stage::request_stop(std::string reason) {
  tell_supervisor([reason = std::move(reason)](hale::supervisor& cluster) -> task<void> {
    cluster.request_stop(reason);
    co_return;
  });
}

std::uint64_t stage::supervisor_steps() const noexcept { return seat_ == nullptr ? 0 : seat_->runs_on().steps(); }

// --- what it tells --------------------------------------------------------------------------------------------------

void stage::on_event(const event& what) noexcept {
  event told = what;
  if (options_.forge) options_.forge(told);
  time().record().note(to_string(told.kind), told.sequence);
  if (told.kind == event_kind::state) {
    const auto known = states_.find(told.instance);
    if (known != states_.end()) known->second = instance_state_from_string(told.to).value_or(known->second);
  }
  for (event_sink* sink : sinks_) sink->on_event(told);
  const bool held = told.kind == event_kind::state && told.to == to_string(instance_state::held);
  if (held && options_.with_operator && !dismissed_ && paged_.insert(told.instance).second) {
    people_.start(answer_page(told.instance));
  }
}

instance_state stage::state_of(std::string_view instance) const noexcept {
  const auto known = states_.find(instance);
  return known == states_.end() ? instance_state::stopped : known->second;
}

// --- people ---------------------------------------------------------------------------------------------------------

void stage::dismiss_people() { dismissed_ = true; }

task<void> stage::answer_page(std::string instance) {
  const std::uint64_t minutes = 1 + time().chance().below(longest_page_minutes, "operator.delay");
  co_await machine_.clock().sleep_for(std::chrono::minutes(minutes));
  paged_.erase(instance);
  if (dismissed_ || state_of(instance) != instance_state::held) co_return;
  tell_supervisor([instance](hale::supervisor& cluster) -> task<void> {
    auto starting = cluster.start(instance, false);
    co_await std::move(starting);
  });
}

task<void> stage::send_requests(std::string instance, std::uint16_t port) {
  const auto network = net().network_of(machine_, nullptr);
  const hale::clock& clock = machine_.clock();
  while (!dismissed_) {
    co_await clock.sleep_for(request_interval);
    if (dismissed_ || state_of(instance) != instance_state::serving) continue;
    const instant begun = clock.now();
    const deadline limit = clock.after(request_timeout);
    bool well = false;
    auto connecting = network->connect(endpoint::tcp("127.0.0.1", port), limit);
    auto connected = co_await std::move(connecting);
    if (connected) {
      http_request request("POST", "/v1/completions");
      auto asking = http_exchange(**connected, std::move(request), http_limits(), limit);
      const auto answer = co_await std::move(asking);
      well = answer && answer->status < 500;
    }
    const duration took = clock.now() - begun;
    tell_supervisor([instance, took, well](hale::supervisor& cluster) -> task<void> {
      cluster.report_request(instance, took, well);
      co_return;
    });
  }
}

}  // namespace hale::sim
