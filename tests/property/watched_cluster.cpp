#include "property/watched_cluster.hpp"

#include <cerrno>
#include <csignal>

namespace hale::test {
namespace {

using namespace std::chrono_literals;

constexpr duration reset_after = 10s;
constexpr duration cool = 20s;
constexpr duration backoff_base = 1s;
constexpr duration least_backoff = backoff_base * 3 / 4;

}  // namespace

// --- the cluster ----------------------------------------------------------------------------------------------------

cluster_spec watched_cluster::make_spec(const cluster_shape& shape) {
  service_spec plain;
  plain.command = {"server"};
  plain.start.stall = 5s;
  plain.start.timeout = 12s;
  plain.stop.timeout = 3s;
  plain.restart.backoff.base = backoff_base;
  plain.restart.backoff.cap = 4s;
  plain.restart.attempts = shape.attempts;
  plain.restart.reset_after = reset_after;
  plain.restart.cool = shape.gives_up ? duration::zero() : cool;
  plain.max_unavailable = shape.max_unavailable;
  if (shape.staggers) plain.stagger = 700ms;
  const auto with = [&](std::string name, std::uint16_t port, std::uint8_t count) {
    service_spec made = plain;
    made.name = name;
    for (std::uint8_t i = 0; i < count; ++i) {
      instance_spec one;
      one.name = count == 1 ? name : fmt::format("{}-{}", name, i);
      one.port = port == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(port + i);
      made.instances.push_back(one);
    }
    return made;
  };
  service_spec web = with("web", 9000, shape.web_instances);
  web.health = probe_spec();
  web.health->interval = 2s;
  web.health->timeout = 1s;
  if (shape.lenient) web.restart.policy = restart_when::on_failure;
  web.memory.hard_bytes = 100 << 20;
  service_spec app = with("app", 9100, 1);
  app.needs = {"web"};
  app.heartbeat = heartbeat_spec();
  app.heartbeat->expected = 5s;
  app.heartbeat->drift = 2s;
  service_spec job = with("job", 0, 1);
  job.restart.policy = restart_when::on_failure;
  service_spec once = with("once", 0, 2);
  once.after = {"job"};
  once.restart.policy = restart_when::never;

  cluster_spec spec;
  spec.start_concurrency = shape.concurrency;
  spec.services = {web, app, job, once};
  return spec;
}

watched_cluster::watched_cluster(const cluster_shape& shape, edge_counts& edges) : shape_(shape), edges_(edges) {
  const cluster_spec spec = make_spec(shape);
  for (const service_spec& service : spec.services) {
    for (const instance_spec& one : service.instances) {
      watched fresh;
      fresh.name = one.name;
      fresh.service = service.name;
      fresh.port = one.port;
      if (shape.besieged && one.port % 2 == 0 && one.port != 0) world_.network.strangers[one.port] = answer::ok;
      if (shape.loads) fresh.answer = answer::loading;
      book_.push_back(std::move(fresh));
      names_.push_back(one.name);
    }
    if (service.instances.size() > 1) names_.push_back(service.name);
  }
  world_.host.on_spawn = [this](fake_life& born) { return on_spawn(born); };
  world_.random.next = std::array{0, 1, 1'500, 400'001}[shape.draw % 4];
  cluster_.emplace(world_.view, spec);
  cluster_->subscribe(*this);
  running_.emplace(world_.executor, cluster_->run());
  world_.executor.run_ready();
}

watched_cluster::watched* watched_cluster::find(std::string_view name) {
  const auto found = std::find_if(book_.begin(), book_.end(), [&](const watched& one) { return one.name == name; });
  return found == book_.end() ? nullptr : &*found;
}

std::vector<watched_cluster::watched*> watched_cluster::resolve(std::string_view name) {
  std::vector<watched*> found;
  for (watched& one : book_) {
    if (one.name == name || one.service == name) found.push_back(&one);
  }
  return found;
}

bool watched_cluster::any_of(std::string_view service, std::string_view state) {
  const std::vector<watched*> found = resolve(service);
  return std::any_of(found.begin(), found.end(), [&](const watched* one) { return one->state == state; });
}

std::size_t watched_cluster::alive_of(std::string_view name, bool surely_mortal) const {
  return static_cast<std::size_t>(
      std::count_if(world_.host.lives.begin(), world_.host.lives.end(), [&](const auto& life) {
        return life->alive() && life->spec.name == name && !(surely_mortal && may_survive(*life));
      }));
}

fake_life* watched_cluster::life_of(std::string_view name) {
  for (const auto& life : world_.host.lives) {
    if (life->alive() && life->spec.name == name) return life.get();
  }
  return nullptr;
}

// --- what happens ---------------------------------------------------------------------------------------------------

const std::string& watched_cluster::take(const chaos_step& step) {
  happen(step);
  world_.executor.run_ready();
  check_settled();
  return fault_;
}

void watched_cluster::happen(const chaos_step& step) {
  watched& one = book_[step.whom % book_.size()];
  const std::string& name = names_[step.whom % names_.size()];
  fake_life* life = life_of(one.name);
  switch (step.what) {
    case verb::pass: world_.executor.run_for(passing(step.how)); return;
    case verb::start:
    case verb::restart:
    case verb::stop: command(step.what, name); return;
    case verb::heartbeat: cluster_->heartbeat(one.name); return;
    case verb::request_ok: cluster_->report_request(one.name, std::chrono::milliseconds(step.how), true); return;
    case verb::request_failed:
      for (int i = 0; i <= step.how; ++i) cluster_->report_request(one.name, std::chrono::milliseconds(i), false);
      return;
    case verb::print: print(one, step.how); return;
    case verb::answer:
      one.answer = static_cast<answer>(step.how % 5);
      if (life != nullptr) life->answer = one.answer;
      return;
    case verb::exit: end_process(one, step.how); return;
    case verb::grow:
      if (life != nullptr) life->rss_bytes = step.how % 2 == 0 ? 1 << 20 : 1 << 30;
      return;
    case verb::spawning:
      one.spawn_error = std::array{0, ENOENT, EAGAIN, ENOSPC}[step.how % 4];
      return;
    case verb::ignore_term:
      one.ignores_term = !one.ignores_term;
      if (life != nullptr) life->ignores_term = one.ignores_term;
      return;
    case verb::stranger: move_stranger(one, step.how); return;
    case verb::fifty_restarts: restart_fifty_times(name); return;
    case verb::unkillable: toggle_unkillable(one); return;
    case verb::oversleep: oversleep(); return;
  }
}

void watched_cluster::command(verb what, const std::string& name) {
  const std::vector<watched*> targets = resolve(name);
  const bool refused =
      std::any_of(targets.begin(), targets.end(), [](const watched* one) { return one->state == "foreign"; });
  for (watched* one : targets) {
    if (refused) continue;
    one->wanted = what != verb::stop;
    ++one->commands;
  }
  task<void> driven = what == verb::stop ? stop(name, refused) : start_or_restart(what == verb::restart, name, refused);
  commands_.push_back(std::make_unique<root<void>>(world_.executor, std::move(driven)));
}

task<void> watched_cluster::start_or_restart(bool restarting, std::string name, bool refused) {
  auto doing = restarting ? cluster_->restart(name, true) : cluster_->start(name, true);
  const command_result result = co_await std::move(doing);
  // A stranger may come later, too: then it ends refused, with its wish in force.
  if (refused) check_outcome(result.status, refused, name);
  if (result.status != command_result::outcome::done && result.message.empty()) {
    broken("a command to {} failed and does not say why", name);
  }
}

task<void> watched_cluster::stop(std::string name, bool refused) {
  std::vector<std::uint64_t> stamps;
  for (const watched* one : resolve(name)) stamps.push_back(one->commands);
  auto stopping = cluster_->stop(name);
  const command_result result = co_await std::move(stopping);
  check_outcome(result.status, refused, name);
  if (result.status != command_result::outcome::done) co_return;
  const std::vector<watched*> targets = resolve(name);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const watched& one = *targets[i];
    if (one.commands != stamps[i]) continue;
    if (one.state != "stopped") broken("{} is {} when its stop is done", one.name, one.state);
    if (alive_of(one.name, true) > 0) broken("a process of {} lives when its stop is done", one.name);
  }
}

void watched_cluster::check_outcome(command_result::outcome outcome, bool refused, const std::string& name) {
  using kind = command_result::outcome;
  const auto immortal = [&](const watched* one) { return alive_of(one->name, false) > alive_of(one->name, true); };
  const std::vector<watched*> targets = resolve(name);
  const bool excused = outcome == kind::failed && std::any_of(targets.begin(), targets.end(), immortal);
  const auto expected = refused ? kind::refused : kind::done;
  if (outcome != expected && !excused) {
    broken("a command to {} ended as {}, expected {}", name, static_cast<int>(outcome), static_cast<int>(expected));
  }
}

void watched_cluster::end_process(watched& one, std::uint8_t how) {
  fake_life* life = life_of(one.name);
  if (life == nullptr) return;
  const std::array statuses = std::to_array<exit_status>({exited{0}, exited{1}, signalled{SIGSEGV, true},
                                                          signalled{SIGKILL, false}, signalled{SIGTERM, false}, lost{},
                                                          exited{127}, exited{137}});
  const std::uint8_t kind = how % 9;
  if (kind == 8) ++life->oom_kills;
  life->end(kind == 8 ? exit_status(signalled{SIGKILL, false}) : statuses[kind]);
}

void watched_cluster::print(watched& one, std::uint8_t how) {
  fake_life* life = life_of(one.name);
  if (life == nullptr) return;
  constexpr std::array lines = std::to_array<std::string_view>(
      {"loading\n", "half a line", "CUDA error: out of memory\n", "No available memory for the cache blocks\n",
       "Free memory on device 0 is less than desired GPU memory utilization\n"});
  life->print(lines[how % lines.size()]);
}

/// One comes where the port is free, or is quicker than hale to take that of a process which ends.
void watched_cluster::move_stranger(watched& one, std::uint8_t how) {
  if (one.port == 0) return;
  if (how % 4 == 0) {
    world_.network.strangers.erase(one.port);
    return;
  }
  fake_life* life = life_of(one.name);
  if (life != nullptr && how >= 8) life->end(exited{1});
  if (alive_of(one.name, false) > 0) return;
  world_.network.strangers[one.port] = std::array{answer::ok, answer::silent, answer::refused}[how % 4 - 1];
}

void watched_cluster::toggle_unkillable(watched& one) {
  fake_life* life = life_of(one.name);
  if (life == nullptr) return;
  if (life->unkillable) {
    make_killable(*life);
  } else {
    life->unkillable = true;
    life->ignores_term = true;
    ever_unkillable_.insert(life->pid);
  }
}

/// It comes back from the kernel, and finds the SIGKILL that has been waiting for it.
void watched_cluster::make_killable(fake_life& life) {
  if (!life.unkillable) return;
  life.unkillable = false;
  const watched* one = find(life.spec.name);
  if (one->state != "serving" && one->state != "starting") life.end(signalled{SIGKILL, false});
}

void watched_cluster::oversleep() {
  judging_forbidden_ = true;
  world_.executor.oversleep(std::chrono::minutes(2));
  world_.executor.run_until(world_.executor.now());
  judging_forbidden_ = false;
}

void watched_cluster::restart_fifty_times(const std::string& name) {
  const std::vector<watched> before = book_;
  for (int i = 0; i < 50; ++i) command(verb::restart, name);
  world_.executor.run_ready();
  for (std::size_t i = 0; i < book_.size(); ++i) {
    const watched& now = book_[i];
    const bool one = now.incarnation <= before[i].incarnation + 1 && now.restarts_told <= before[i].restarts_told + 1;
    if (!one) broken("fifty restarts of {} were more than one", now.name);
  }
}

std::optional<spawn_error> watched_cluster::on_spawn(fake_life& born) {
  watched& one = *find(born.spec.name);
  if (!one.wanted) broken("{} was spawned though it is not wanted", one.name);
  if (alive_of(one.name, false) > 0) broken("{} was spawned beside its living process", one.name);
  if (one.port != 0 && world_.network.strangers.contains(one.port)) broken("{} was spawned on a taken port", one.name);
  if (one.name == "app" && !any_of("web", "serving")) broken("app was spawned though web does not serve");
  const watched& job = *find("job");
  const bool job_had_its_turn = job.incarnation > 0 || job.state == "held";
  if (one.service == "once" && !job_had_its_turn) broken("{} was spawned before job", one.name);
  born.answer = one.answer;
  born.ignores_term = one.ignores_term;
  if (one.spawn_error == 0) return std::nullopt;
  return spawn_error{system_error(one.spawn_error), "exec", "/opt/server"};
}

// --- what must hold -------------------------------------------------------------------------------------------------

void watched_cluster::on_event(const event& what) noexcept {
  if (what.sequence != ++sequence_) broken("event {} follows event {}", what.sequence, sequence_ - 1);
  if (what.reason.find('\n') != std::string::npos) broken("a reason has more than one line: {}", what.reason);
  if (what.kind == event_kind::supervisor) last_told_ = what.to;
  const bool needs_why = what.kind == event_kind::action || what.kind == event_kind::alert ||
                         what.kind == event_kind::exit || what.to == "held" || what.to == "cooling";
  if (needs_why && (!what.cause || what.reason.empty())) {
    broken("{} {}{} of {} has no cause or no reason", to_string(what.kind), what.action, what.to, what.instance);
  }
  if (what.instance.empty()) return;
  watched& one = *find(what.instance);
  if (what.kind == event_kind::spawn) check_spawn(one);
  if (what.incarnation.value() != one.incarnation) {
    broken("{}: an event of incarnation {} after {} spawns", one.name, what.incarnation.value(), one.incarnation);
  }
  if (what.kind == event_kind::exit || (what.kind == event_kind::spawn && !what.success.value_or(false))) {
    one.failed_at = world_.executor.now();
  }
  if (what.kind == event_kind::action && what.action == "restart") ++one.restarts_told;
  if (what.kind == event_kind::alert) {
    if (one.alerted == what.cause) broken("{}: the same alert twice", one.name);
    one.alerted = what.cause;
  }
  if (what.kind == event_kind::alert_resolved) one.alerted.reset();
  // At the end each goes in its turn, and those that others need go on until then; who has no process is not started any
  // more, and is stopped at once.
  if (ending_ && what.action == "stop") {
    if (alive_of(one.name, false) > 0) check_order(one);
    one.wanted = false;
    ++one.commands;
  }
  if (what.kind == event_kind::action && what.action != "stop" && !one.wanted) {
    broken("{}: action {} though it is to be stopped", one.name, what.action);
  }
  if (what.kind == event_kind::health && what.from == what.to) broken("{}: {} to {}", one.name, what.from, what.to);
  if (what.kind == event_kind::health && what.to != "healthy" && !what.cause) broken("{}: no cause", one.name);
  if (what.kind == event_kind::state) check_state_event(one, what);
}

void watched_cluster::check_state_event(watched& one, const event& what) {
  if (what.from != one.state) broken("{}: from {} though it was {}", one.name, what.from, one.state);
  if (!legal_successors.at(what.from).contains(what.to)) broken("{}: {} to {}", one.name, what.from, what.to);
  ++edges_[state_index(what.from)][state_index(what.to)];
  one.state = what.to;
  check_wish(one, what);
  check_rest(one, what);
  check_processes(one, what);
  check_disruption(one, what);
  const auto starts = [](const watched& each) { return each.state == "starting"; };
  const auto starting = std::count_if(book_.begin(), book_.end(), starts);
  if (starting > shape_.concurrency) broken("{} are starting at once", starting);
  const bool must_be_told = what.to == "held" || what.to == "cooling";
  if (must_be_told && one.alerted != what.cause) broken("{} is {} without an alert", one.name, what.to);
}

/// At the end those go first that need or come after others.
void watched_cluster::check_order(const watched& one) {
  const std::string_view dependant = one.service == "web" ? "app" : one.service == "job" ? "once" : "";
  for (const watched& other : book_) {
    const bool before = other.service == dependant && other.state != "stopped" && alive_of(other.name, true) > 0;
    if (before) broken("{} is stopped before {}", one.name, other.name);
  }
}

/// Neither a hot loop nor more restarts than there are attempts.
void watched_cluster::check_spawn(watched& one) {
  const instant now = world_.executor.now();
  const bool told = one.incarnation == 0 || one.commands != one.commands_at_spawn;
  const bool quick = !told && one.failed_at - one.spawned_at < reset_after;
  if (quick && now - one.failed_at < least_backoff) broken("{} was spawned again without backoff", one.name);
  if (!quick) {
    one.quick_restarts = 0;
  } else if (one.cooled) {
    one.quick_restarts = shape_.attempts;
  } else if (++one.quick_restarts > shape_.attempts) {
    broken("{} was restarted {} times, with {} attempts", one.name, one.quick_restarts, shape_.attempts);
  }
  one.cooled = false;
  one.spawned_at = now;
  one.commands_at_spawn = one.commands;
  ++one.incarnation;
}

void watched_cluster::check_rest(watched& one, const event& what) {
  const instant now = world_.executor.now();
  if (what.from == "cooling" && one.commands == one.commands_at_rest && now - one.rested_at < cool) {
    broken("{} cools for less than its time", one.name);
  }
  if (what.to == "cooling") one.cooled = true;
  if (what.to == "cooling" && shape_.gives_up) broken("{} cools though it is to give up", one.name);
  one.rested_at = now;
  one.commands_at_rest = one.commands;
  if (what.from == "waiting" && one.spawn_error == ENOENT && one.failed_at == now && what.to != "held" && one.wanted) {
    broken("its program is missing, and {} is {}", one.name, what.to);
  }
}

void watched_cluster::check_wish(const watched& one, const event& what) {
  const bool ending = what.to == "stopping" || what.to == "stopped";
  const bool stuck = what.to == "held" && what.cause == cause::stuck_in_kernel;
  if (!one.wanted && !ending && !stuck) broken("{} is to be stopped, and goes to {}", one.name, what.to);
  if (one.wanted && what.to == "stopped") broken("{} is wanted, and is stopped", one.name);
  // Neither the requests that failed before nor the memory it uses now is a matter of time.
  const bool timeless = what.cause == cause::high_error_rate || what.cause == cause::memory_limit;
  const bool judged = what.to == "stopping" && what.cause != cause::operator_request && !timeless;
  if (judging_forbidden_ && judged) broken("{} is judged for time that hale slept: {}", one.name, what.reason);
}

void watched_cluster::check_processes(const watched& one, const event& what) {
  const bool has_process = what.to == "starting" || what.to == "serving" || what.to == "stopping";
  if (!has_process && alive_of(one.name, true) > 0) broken("a process of {} lives while it is {}", one.name, what.to);
  if (what.to == "starting" && alive_of(one.name, false) != 1) broken("{} starts without a process", one.name);
}

/// Of each service, no more than its limit may be down because of a verdict.
void watched_cluster::check_disruption(watched& one, const event& what) {
  const bool by_verdict = what.from == "serving" && what.to == "stopping" && what.cause != cause::operator_request;
  if (by_verdict) one.down_by_verdict = true;
  if (what.to != "stopping" && what.to != "waiting" && what.to != "starting") one.down_by_verdict = false;
  if (!by_verdict) return;
  const std::vector<watched*> siblings = resolve(one.service);
  const auto fell = [](const watched* each) { return each->down_by_verdict; };
  const auto down = std::count_if(siblings.begin(), siblings.end(), fell);
  const std::size_t usual = std::max<std::size_t>(1, siblings.size() / 4);
  const std::size_t limit = shape_.max_unavailable > 0 ? shape_.max_unavailable : usual;
  if (static_cast<std::size_t>(down) > limit) broken("{} of {} are down by verdict", down, one.service);
}

void watched_cluster::check_settled() {
  std::erase_if(commands_, [](const auto& one) { return one->done(); });
  for (const service_status& service : cluster_->status().services) {
    const auto serving = std::count_if(service.instances.begin(), service.instances.end(), [](const auto& one) {
      return one.state == instance_state::serving;
    });
    if (serving != service.serving) broken("{}: {} serve, told are {}", service.name, serving, service.serving);
    for (const instance_status& shown : service.instances) check_status(*find(shown.name), shown);
  }
}

void watched_cluster::check_status(const watched& one, const instance_status& shown) {
  const std::string_view state = to_string(shown.state);
  if (state != one.state) broken("{}: shown as {}, told {}", one.name, state, one.state);
  if (shown.incarnation.value() != one.incarnation) broken("{}: shown another incarnation", one.name);
  const bool lives = one.state == "starting" || one.state == "serving";
  if (lives && alive_of(one.name, false) != 1) broken("{} is {} without a process", one.name, one.state);
  if (lives && life_of(one.name) != nullptr && shown.pid != life_of(one.name)->pid) broken("{}: not its pid", one.name);
  const bool well = one.state == "serving" && shown.health == health_status::healthy;
  if (well && (shown.cause || !shown.reason.empty())) broken("{} is well, and {} is shown", one.name, shown.reason);
  const bool clearing = alive_of(one.name, false) > 0;  // what survived SIGKILL is tried again first
  if (!one.wanted && one.state == "waiting" && !clearing) broken("{} is to be stopped, and waits", one.name);
}

// --- the end --------------------------------------------------------------------------------------------------------

void watched_cluster::calm_down() {
  for (watched& one : book_) {
    one.answer = answer::ok;
    one.ignores_term = false;
    one.spawn_error = 0;
  }
  world_.network.strangers.clear();
  for (const auto& life : world_.host.lives) {
    make_killable(*life);
    life->answer = answer::ok;
    life->ignores_term = false;
    life->rss_bytes = 1 << 20;
  }
  const auto pass = [this](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      world_.executor.run_for(std::chrono::seconds(1));
      cluster_->heartbeat("app");
    }
  };
  pass(40);  // what is being killed is gone, and those who watched strangers have seen them go
  for (const std::string& name : names_) command(verb::start, name);
  pass(90);
  check_settled();
  for (const watched& one : book_) {
    if (one.state != "serving") broken("all is well again, and {} is {}", one.name, one.state);
  }
}

const std::string& watched_cluster::end() {
  if (!shape_.ends_wild) calm_down();
  ending_ = true;
  cluster_->request_stop("the test ends");
  world_.executor.run_for(std::chrono::minutes(5));
  if (!running_->done()) {
    broken("asked to stop, it does not end");
    return fault_;
  }
  check_settled();
  if (!commands_.empty()) broken("{} commands never ended", commands_.size());
  for (const watched& one : book_) {
    if (one.state != "stopped") broken("at the end {} is {}", one.name, one.state);
    if (alive_of(one.name, true) > 0) broken("at the end a process of {} lives", one.name);
  }
  for (const auto& life : world_.host.lives) {
    const bool asked_first = life->signals.empty() || life->signals.front() == SIGTERM;
    if (!asked_first) broken("a process of {} was killed without being asked to end", life->spec.name);
  }
  if (last_told_ != "stopped") broken("it does not say that it has stopped");
  return fault_;
}

}  // namespace hale::test
