#include "hale/heal/supervisor.hpp"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <map>
#include <stdexcept>

#include "hale/async/scope.hpp"
#include "hale/async/trigger.hpp"
#include "hale/base/text.hpp"
#include "hale/base/version.hpp"
#include "hale/heal/service.hpp"
#include "hale/heal/validate.hpp"

namespace hale {
namespace {

command_result result_of(command_result::outcome status, std::string message) {
  command_result result;
  result.status = status;
  result.message = std::move(message);
  return result;
}

}  // namespace

struct supervisor::state {
  state(hale::world& world, cluster_spec cluster)
      : spec(std::move(cluster)), shared(world, spec), born(world.clock.now()) {
    for (const service_spec& one : spec.services) services.push_back(std::make_unique<service>(shared, one));
    for (const service_spec& one : spec.services) {
      for (const std::string& other : one.after) find_service(one.name)->depend_on(*find_service(other), false);
      for (const std::string& other : one.needs) find_service(one.name)->depend_on(*find_service(other), true);
    }
    for (const auto& group : services) {
      for (const auto& one : group->instances()) by_name.push_back(one.get());
    }
    std::sort(by_name.begin(), by_name.end(),
              [](const instance* left, const instance* right) { return left->name() < right->name(); });
    shared.on_stall = [this](duration late) { forgive_all(late); };
  }

  service* find_service(std::string_view name) const {
    const auto found =
        std::find_if(services.begin(), services.end(), [&](const auto& one) { return one->name() == name; });
    return found == services.end() ? nullptr : found->get();
  }
  instance* find_instance(std::string_view name) const {
    const auto found =
        std::lower_bound(by_name.begin(), by_name.end(), name,
                         [](const instance* one, std::string_view wanted) { return one->name() < wanted; });
    return found != by_name.end() && (*found)->name() == name ? *found : nullptr;
  }
  std::vector<instance*> resolve(std::string_view name) const {
    std::vector<instance*> found;
    if (instance* one = find_instance(name)) {
      found.push_back(one);
    } else if (const service* group = find_service(name)) {
      for (const auto& one_of_it : group->instances()) found.push_back(one_of_it.get());
    }
    return found;
  }
  command_result unknown(std::string_view name) const {
    std::vector<std::string_view> known;
    for (const auto& group : services) known.push_back(group->name());
    for (const instance* one : by_name) known.push_back(one->name());
    const std::string_view nearest = nearest_name(name, known);
    return result_of(command_result::outcome::unknown_name,
                     nearest.empty() ? fmt::format("there is no service or instance \"{}\" in {}", name, spec.name)
                                     : fmt::format("there is no service or instance \"{}\" in {}; did you mean {}?",
                                                   name, spec.name, nearest));
  }

  result<std::vector<instance*>, command_result> admit(std::string_view name) const;

  void tell(std::string what, std::string reason) {
    event told;
    told.kind = event_kind::supervisor;
    told.to = std::move(what);
    told.reason = std::move(reason);
    shared.emit(std::move(told));
  }

  void forgive_all(duration late) {
    tell("overslept", fmt::format("hale did not run for {}: nobody is judged for that time", format_duration(late)));
    for (instance* one : by_name) one->forgive(late);
  }

  task<void> run();
  task<void> shut_down();
  task<void> shut_down_service(service& which, std::map<std::string_view, trigger>& gone);

  const cluster_spec spec;
  cluster_context shared;
  std::vector<std::unique_ptr<service>> services;
  std::vector<instance*> by_name;  ///< sorted
  instant born;
  trigger stop_requested;
  std::string stop_reason;
  bool ran = false;
  std::uint64_t rejected = 0;
};

task<void> supervisor::state::run() {
  assert(!ran && "a supervisor runs once");
  ran = true;
  const context here = co_await this_context();
  // The instances end by being retired, never by cancellation: what was started is stopped in order.
  context sheltered = here;
  sheltered.cancellation = nullptr;
  scope running(sheltered);
  tell("running", fmt::format("{} service{}, {} instance{}", services.size(), services.size() == 1 ? "" : "s",
                              by_name.size(), by_name.size() == 1 ? "" : "s"));
  for (const auto& group : services) {
    for (const auto& one : group->instances()) {
      running.spawn(one->run());
      if (!stop_requested.fired()) one->start();
    }
  }
  co_await stop_requested.wait();
  if (!stop_requested.fired()) {
    stop_reason = "its program is ending";
    stop_requested.fire();
  }
  tell("stopping", stop_reason);
  auto stopping = shut_down();
  co_await shielded(std::move(stopping));
  auto joining = running.join();
  co_await shielded(std::move(joining));
  tell("stopped", stop_reason);
}

task<void> supervisor::state::shut_down() {
  const context here = co_await this_context();
  scope stopping(here);
  for (instance* one : by_name) one->start_no_more(stop_reason);
  std::map<std::string_view, trigger> gone;
  for (const auto& group : services) gone[group->name()];
  for (const auto& group : services) stopping.spawn(shut_down_service(*group, gone));
  co_await stopping.join();
}

task<void> supervisor::state::shut_down_service(service& which, std::map<std::string_view, trigger>& gone) {
  for (const service* dependant : which.dependants()) co_await gone[dependant->name()].wait();
  for (const auto& one : which.instances()) one->retire(stop_reason);
  for (const auto& one : which.instances()) {
    auto waiting = one->await_stopped();
    co_await std::move(waiting);
  }
  gone[which.name()].fire();
}

supervisor::supervisor(hale::world& world, cluster_spec spec) {
  if (const std::vector<std::string> faults = validate(spec); !faults.empty()) {
    throw std::invalid_argument(fmt::format("{}", fmt::join(faults, "; ")));
  }
  state_ = std::make_unique<state>(world, std::move(spec));
}
supervisor::~supervisor() = default;

task<void> supervisor::run() { return state_->run(); }

void supervisor::request_stop(std::string reason) noexcept {
  if (state_->stop_requested.fired()) {
    state_->shared.patience.cancel();
    return;
  }
  state_->stop_reason = std::move(reason);
  state_->stop_requested.fire();
}

bool supervisor::stopping() const noexcept { return state_->stop_requested.fired(); }

void supervisor::subscribe(event_sink& sink) { state_->shared.subscribe(sink); }
void supervisor::unsubscribe(event_sink& sink) noexcept { state_->shared.unsubscribe(sink); }

namespace {

/// The first reason why one of them may not be commanded.
std::string first_refusal(const std::vector<instance*>& targets) {
  for (const instance* one : targets) {
    if (std::string reason = one->refusal(); !reason.empty()) return reason;
  }
  return {};
}

/// Until each of them serves with an incarnation later than the one given beside it, or the first does not get there.
task<command_result> await_serving(std::vector<instance*> targets, std::vector<incarnation_number> before) {
  for (std::size_t at = 0; at < targets.size(); ++at) {
    auto waiting = targets[at]->await_serving(before[at]);
    command_result reached = co_await std::move(waiting);
    if (reached.status != command_result::outcome::done) co_return reached;
  }
  co_return command_result();
}

}  // namespace

/// Whom a command means, or why it cannot be carried out.
result<std::vector<instance*>, command_result> supervisor::state::admit(std::string_view name) const {
  std::vector<instance*> targets = resolve(name);
  if (targets.empty()) return unknown(name);
  if (std::string reason = first_refusal(targets); !reason.empty()) {
    return result_of(command_result::outcome::refused, std::move(reason));
  }
  return targets;
}

task<command_result> supervisor::start(std::string name, bool wait) {
  if (stopping()) co_return result_of(command_result::outcome::refused, "the supervisor is stopping");
  const auto targets = state_->admit(name);
  if (!targets) co_return targets.error();
  std::vector<incarnation_number> before;
  for (instance* one : *targets) {
    const bool serves = one->state() == instance_state::serving || one->state() == instance_state::starting;
    before.push_back(serves ? incarnation_number(one->current().value() - 1) : one->current());
    one->start();
  }
  if (!wait) co_return command_result();
  auto waiting = await_serving(*targets, std::move(before));
  co_return co_await std::move(waiting);
}

task<command_result> supervisor::stop(std::string name) {
  const auto targets = state_->admit(name);
  if (!targets) co_return targets.error();
  for (instance* one : *targets) one->stop(cause::operator_request, "asked to stop");
  for (instance* one : *targets) {
    auto waiting = one->await_stopped();
    command_result reached = co_await std::move(waiting);
    if (reached.status != command_result::outcome::done) co_return reached;
  }
  co_return command_result();
}

task<command_result> supervisor::restart(std::string name, bool wait) {
  if (stopping()) co_return result_of(command_result::outcome::refused, "the supervisor is stopping");
  const auto targets = state_->admit(name);
  if (!targets) co_return targets.error();
  std::vector<incarnation_number> before;
  for (instance* one : *targets) {
    const bool on_its_way = one->restart_on_its_way();
    before.push_back(on_its_way ? incarnation_number(one->current().value() - 1) : one->current());
    one->restart(cause::operator_request, "asked to restart");
  }
  if (!wait) co_return command_result();
  auto waiting = await_serving(*targets, std::move(before));
  co_return co_await std::move(waiting);
}

bool supervisor::heartbeat(std::string_view name) noexcept {
  instance* one = state_->find_instance(name);
  if (one == nullptr) {
    ++state_->rejected;
    return false;
  }
  one->heartbeat();
  return true;
}

bool supervisor::heartbeat_port(std::uint16_t port) noexcept {
  for (instance* one : state_->by_name) {
    if (port != 0 && one->port() == port) {
      one->heartbeat();
      return true;
    }
  }
  ++state_->rejected;
  return false;
}

bool supervisor::report_request(std::string_view name, duration took, bool success) noexcept {
  instance* one = state_->find_instance(name);
  if (one == nullptr || took < duration::zero()) {
    ++state_->rejected;
    return false;
  }
  one->report_request(took, success);
  return true;
}

void supervisor::set_notify_path(std::string path) { state_->shared.notify_path = std::move(path); }

void supervisor::on_notify(std::string_view bytes, std::int64_t sender_pid) noexcept {
  const auto parsed = parse_notification(bytes);
  if (!parsed || sender_pid <= 0) {
    ++state_->rejected;
    return;
  }
  // Most come from a leader; looking through the trees is the slow way.
  const auto leads = [&](const instance* one) { return one->pid() == sender_pid; };
  const auto holds = [&](const instance* one) { return one->contains(sender_pid); };
  auto from = std::find_if(state_->by_name.begin(), state_->by_name.end(), leads);
  if (from == state_->by_name.end()) from = std::find_if(state_->by_name.begin(), state_->by_name.end(), holds);
  if (from == state_->by_name.end()) {
    ++state_->rejected;
    return;
  }
  (*from)->notify(*parsed);
}

cluster_status supervisor::status() const {
  cluster_status shown;
  shown.cluster = state_->spec.name;
  shown.pid = state_->shared.world.processes.own_pid();
  shown.version = HALE_VERSION;
  shown.uptime = state_->shared.world.clock.now() - state_->born;
  shown.reports_rejected = state_->rejected;
  for (const auto& group : state_->services) shown.services.push_back(group->status());
  return shown;
}

const cluster_spec& supervisor::spec() const noexcept { return state_->spec; }

instance_log* supervisor::log(std::string_view name) const noexcept {
  instance* one = state_->find_instance(name);
  return one == nullptr ? nullptr : &one->log();
}

std::vector<std::string> supervisor::instances_of(std::string_view name) const {
  std::vector<std::string> names;
  for (const instance* one : state_->resolve(name)) names.push_back(one->name());
  return names;
}

}  // namespace hale
