// The model against reality: the same supervisor plays the same scenes with real processes and in the simulator, and
// what really happened, in its order, must be something that the simulator can bring about. Times are not compared.
#include <fmt/format.h>
#include <signal.h>

#include <functional>
#include <map>
#include <set>

#include "hale/async/scope.hpp"
#include "hale/base/error.hpp"
#include "hale/heal/supervisor.hpp"
#include "hale/sim/program/cast.hpp"
#include "hale/sim/program/strangers.hpp"
#include "hale/sim/world/seat.hpp"
#include "hale/wire/http_client.hpp"
#include "os/fixture.hpp"

using namespace hale;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr duration scene_patience = seconds(60);
constexpr std::uint64_t most_seeds = 2000;
constexpr std::uint64_t memory_limit = 256u << 20;

// --- what happened --------------------------------------------------------------------------------------------------

std::string shape_of(const event& what) {
  std::string shape = fmt::format("{} {}", to_string(what.kind), what.instance);
  if (!what.from.empty() || !what.to.empty()) shape += fmt::format(" {}>{}", what.from, what.to);
  if (!what.action.empty()) shape += " " + what.action;
  if (what.cause) shape += fmt::format(" because {}", to_string(*what.cause));
  if (what.success) shape += *what.success ? " done" : " failed";
  return shape;
}

class play_log final : public event_sink {
 public:
  void on_event(const event& what) noexcept override {
    if (what.to == "overslept") return;  // how busy the machine is belongs to no scene
    shapes += shape_of(what) + "\n";
    if (what.kind == event_kind::state) ++seen_[what.to];
    if (!what.action.empty()) ++seen_[what.action];
    changed_.wake_all();
  }
  /// Whether a state was entered, or an action taken, so many times before the deadline.
  task<bool> until(std::string what, int times, deadline limit) {
    while (seen_[what] < times) {
      auto waiting = changed_.wait(limit);
      if (co_await waiting) co_return false;
    }
    co_return true;
  }
  std::string shapes;

 private:
  std::map<std::string, int> seen_;
  pulse changed_;
};

// --- scenes ---------------------------------------------------------------------------------------------------------

enum class blow { crash, kill, exit_clean, hang, freeze, garbage, oom };

/// Where a scene is played: with real processes, or in the simulator.
class theatre {
 public:
  virtual ~theatre() = default;
  virtual const hale::clock& clock() const = 0;
  virtual hale::supervisor& cluster() = 0;
  virtual void start(task<void> body) = 0;
  /// Some time that may pass between two acts.
  virtual task<void> pause() = 0;
  /// Befalls the server of the first instance.
  virtual task<void> strike(blow what) = 0;
  virtual task<void> raise_stranger(bool answers) = 0;
  virtual task<void> dismiss_stranger() = 0;

  task<bool> seen(std::string what, int times = 1) {
    return events.until(std::move(what), times, clock().after(scene_patience));
  }
  play_log events;
  trigger over;
  bool as_planned = false;
};

enum class stranger { none, silent, answering };

struct scene {
  scene(std::string called, std::function<task<bool>(theatre&)> what)
      : name(std::move(called)), act(std::move(what)) {}
  std::string name;
  std::function<task<bool>(theatre&)> act;  ///< false: it did not come as planned
  int instances = 1;
  bool ignores_term = false;
  bool grandchild = false;
  bool fails_to_start = false;
  bool no_program = false;
  bool limited = false;
  stranger on_port = stranger::none;
  milliseconds load_time{0};
  std::function<void(service_spec&)> wishes;
};

task<void> run_cluster(theatre& on) {
  co_await on.cluster().run();
  on.over.fire();
}

task<void> perform(const scene& what, theatre& on) {
  on.cluster().subscribe(on.events);
  if (what.on_port != stranger::none) co_await on.raise_stranger(what.on_port == stranger::answering);
  on.start(run_cluster(on));
  auto acting = what.act(on);
  on.as_planned = co_await std::move(acting);
  co_await on.pause();
  on.cluster().request_stop("the scene is over");
  co_await on.over.wait();
}

task<bool> serve(theatre& on, int instances) { return on.seen("serving", instances); }

/// Struck once all serve, until `state` has been entered so many times in all.
task<bool> struck(theatre& on, blow what, std::string state = "serving", int times = 2) {
  const auto instances = static_cast<int>(on.cluster().spec().services.front().instances.size());
  const bool served = co_await on.seen("serving", instances);
  if (!served) co_return false;
  co_await on.pause();
  co_await on.strike(what);
  co_return co_await on.seen(std::move(state), times);
}

task<bool> told_to_restart(theatre& on) {
  const bool served = co_await on.seen("serving");
  if (!served) co_return false;
  auto restarting = on.cluster().restart(on.cluster().spec().services.front().name, false);
  co_await std::move(restarting);
  co_return co_await on.seen("serving", 2);
}

task<bool> recalled(theatre& on) {
  const bool served = co_await on.seen("serving");
  if (!served) co_return false;
  const std::string name = on.cluster().spec().services.front().name;
  auto stopping = on.cluster().stop(name);
  const command_result stopped = co_await std::move(stopping);
  co_await on.pause();
  auto starting = on.cluster().start(name, true);
  const command_result started = co_await std::move(starting);
  co_return stopped.status == command_result::outcome::done && started.status == command_result::outcome::done;
}

task<bool> kept_out(theatre& on, std::string until) {
  const bool met = co_await on.seen(std::move(until));
  co_await on.dismiss_stranger();
  const bool served = co_await on.seen("serving");
  co_return met && served;
}

task<bool> come_to(theatre& on, std::string state) { return on.seen(std::move(state)); }

std::vector<scene> all_scenes() {
  std::vector<scene> all;
  const auto add = [&](std::string name, std::function<task<bool>(theatre&)> act) -> scene& {
    return all.emplace_back(std::move(name), std::move(act));
  };
  add("serves", [](theatre& on) { return serve(on, 1); });
  add("pair", [](theatre& on) { return serve(on, 2); }).instances = 2;
  add("crashes", [](theatre& on) { return struck(on, blow::crash); });
  add("killed", [](theatre& on) { return struck(on, blow::kill); });
  scene& couple = add("couple", [](theatre& on) { return struck(on, blow::crash, "serving", 3); });
  couple.instances = 2;
  add("leaves", [](theatre& on) { return struck(on, blow::exit_clean); });
  add("hangs", [](theatre& on) { return struck(on, blow::hang); });
  add("freezes", [](theatre& on) { return struck(on, blow::freeze); });
  add("babbles", [](theatre& on) { return struck(on, blow::garbage); });
  add("operator", [](theatre& on) { return told_to_restart(on); });
  add("recalled", [](theatre& on) { return recalled(on); });
  scene& resigns = add("resigns", [](theatre& on) { return struck(on, blow::exit_clean, "finished", 1); });
  resigns.wishes = [](service_spec& service) { service.restart.policy = restart_when::on_failure; };
  scene& one_life = add("one-life", [](theatre& on) { return struck(on, blow::crash, "held", 1); });
  one_life.wishes = [](service_spec& service) { service.restart.policy = restart_when::never; };
  scene& too_slow = add("too-slow", [](theatre& on) { return come_to(on, "cooling"); });
  too_slow.load_time = minutes(5);
  too_slow.wishes = [](service_spec& service) { service.start.timeout = seconds(2); };
  add("slow", [](theatre& on) { return serve(on, 1); }).load_time = milliseconds(1500);
  add("stubborn", [](theatre& on) { return serve(on, 1); }).ignores_term = true;
  scene& orphans = add("orphans", [](theatre& on) { return struck(on, blow::crash); });
  orphans.grandchild = true;
  add("kept-out", [](theatre& on) { return kept_out(on, "wait"); }).on_port = stranger::silent;
  add("doubled", [](theatre& on) { return kept_out(on, "foreign"); }).on_port = stranger::answering;
  add("missing", [](theatre& on) { return come_to(on, "held"); }).no_program = true;
  add("loops", [](theatre& on) { return come_to(on, "cooling"); }).fails_to_start = true;
  add("swells", [](theatre& on) { return struck(on, blow::oom); }).limited = true;
  return all;
}

cluster_spec spec_of(const scene& what, const std::vector<std::uint16_t>& ports) {
  cluster_spec cluster;
  service_spec service;
  service.name = what.name;
  service.command = {what.no_program ? "/nonexistent/hale-demo-server" : HALE_DEMO_SERVER, "--port", "{port}"};
  const auto flag = [&](std::string text) { service.command.push_back(std::move(text)); };
  flag(fmt::format("--load-time={}ms", what.load_time.count()));
  if (what.ignores_term) flag("--ignore-term");
  if (what.grandchild) flag("--grandchild");
  if (what.fails_to_start) flag("--fault=exit1");
  if (what.limited) service.memory.limit_bytes = memory_limit;
  service.health.emplace();
  service.health->interval = milliseconds(300);
  service.health->timeout = seconds(2);
  service.health->failures = 2;
  service.stop.timeout = seconds(1);
  service.restart.backoff.base = milliseconds(100);
  service.restart.backoff.cap = milliseconds(400);
  service.restart.attempts = 2;
  for (const std::uint16_t port : ports) {
    service.instances.push_back(instance_spec{fmt::format("{}-{}", what.name, service.instances.size() + 1), port});
  }
  if (what.wishes) what.wishes(service);
  cluster.services.push_back(std::move(service));
  return cluster;
}

// --- reality --------------------------------------------------------------------------------------------------------

class real_theatre final : public theatre {
 public:
  real_theatre(os::linux_world& here, scope& runs_in, cluster_spec spec)
      : here_(here), runs_in_(runs_in), cluster_(here.view(), std::move(spec)) {}

  const hale::clock& clock() const override { return here_.view().clock; }
  hale::supervisor& cluster() override { return cluster_; }
  void start(task<void> body) override { runs_in_.spawn(std::move(body)); }
  task<void> pause() override { co_return; }

  task<void> strike(blow what) override {
    if (what == blow::freeze) {
      ::kill(static_cast<pid_t>(cluster_.status().services.front().instances.front().pid), SIGSTOP);
      co_return;
    }
    static const std::map<blow, std::string> names = {{blow::crash, "crash"},
                                                      {blow::kill, "kill"},
                                                      {blow::exit_clean, "exit"},
                                                      {blow::hang, "hang"},
                                                      {blow::garbage, "garbage"},
                                                      {blow::oom, "oom"}};
    auto asking = ask("/fault/" + names.at(what));
    const int status = co_await std::move(asking);
    BOOST_TEST(status == 200);
  }
  task<void> raise_stranger(bool answers) override {
    if (!answers) {
      auto made = here_.view().network.listen(endpoint::tcp("127.0.0.1", port()));
      BOOST_REQUIRE(made.has_value());
      silent_ = std::move(*made);
      co_return;
    }
    process_spec spec = test::spec_of({HALE_DEMO_SERVER, fmt::format("--port={}", port())});
    spec.name = "stranger";
    auto spawning = here_.view().processes.spawn(std::move(spec));
    auto made = co_await std::move(spawning);
    BOOST_REQUIRE(made.has_value());
    answering_ = std::move(*made);
    for (int status = 0; status != 200;) {
      auto asking = ask("/health");
      status = co_await std::move(asking);
      co_await clock().sleep_for(milliseconds(10));
    }
  }
  task<void> dismiss_stranger() override {
    silent_.reset();
    if (answering_ == nullptr) co_return;
    auto killing = answering_->kill_tree(clock().after(scene_patience));
    const std::error_code survived = co_await std::move(killing);
    BOOST_TEST(!survived);
    auto waiting = answering_->wait(clock().after(scene_patience));
    const auto ended = co_await std::move(waiting);
    BOOST_TEST(ended.has_value());
    answering_.reset();
  }

 private:
  std::uint16_t port() const { return cluster_.spec().services.front().instances.front().port; }
  /// The status of the answer; 0: there was none.
  task<int> ask(std::string path) {
    const deadline limit = clock().after(scene_patience);
    auto connecting = here_.view().network.connect(endpoint::tcp("127.0.0.1", port()), limit);
    auto connected = co_await std::move(connecting);
    if (!connected) co_return 0;
    http_request request("GET", std::move(path));
    request.headers.add("Host", "localhost");
    auto asking = http_exchange(**connected, std::move(request), http_limits(), limit);
    const auto answer = co_await std::move(asking);
    co_return answer ? answer->status : 0;
  }

  os::linux_world& here_;
  scope& runs_in_;
  hale::supervisor cluster_;
  std::unique_ptr<listener> silent_;
  std::unique_ptr<process> answering_;
};

/// Free ports, all different.
std::vector<std::uint16_t> free_ports(os::linux_world& here, std::size_t count) {
  std::vector<std::unique_ptr<listener>> held;
  std::vector<std::uint16_t> ports;
  for (std::size_t n = 0; n < count; ++n) {
    auto made = here.view().network.listen(endpoint::tcp("127.0.0.1", 0));
    BOOST_REQUIRE(made.has_value());
    ports.push_back((*made)->local().port);
    held.push_back(std::move(*made));
  }
  return ports;
}

struct performance {
  scene what;
  cluster_spec spec;
  std::unique_ptr<real_theatre> stage;
};

task<void> play_all(os::linux_world& here, std::vector<performance>& all) {
  const context where = co_await this_context();
  scope playing(where);
  for (performance& one : all) {
    one.stage = std::make_unique<real_theatre>(here, playing, one.spec);
    playing.spawn(perform(one.what, *one.stage));
  }
  co_await playing.join();
}

// --- the model ------------------------------------------------------------------------------------------------------

class simulated_theatre final : public theatre {
 public:
  simulated_theatre(const scene& what, const cluster_spec& spec, std::uint64_t seed) : driver_(seed), spec_(spec) {
    sim::scheduler_options steps;
    steps.pick_window = 4;
    time_.set_options(steps);
    for (auto& [name, role] : actors_.roles()) {
      role.profile.load_time = what.load_time + milliseconds(chance_.below(100, "model.load"));
      role.profile.stop_time = milliseconds(chance_.below(100, "model.stop"));
      role.condition.ignores_term = what.ignores_term;
      role.condition.leaves_grandchild = what.grandchild;
      role.condition.failing_starts = what.fails_to_start ? UINT32_MAX : 0;
      if (!what.no_program) continue;
      const spawn_error missing{system_error(ENOENT), "exec", spec.services.front().command.front()};
      chair_.host().troubles().spawn_of.emplace(name, missing);
    }
    hand_.start(perform(what, *this));
    time_.run_until(time_.now() + minutes(10));
  }
  ~simulated_theatre() override {
    hand_.kill();
    chair_.runs_on().kill();
  }
  bool ended() { return hand_.idle() && chair_.runs_on().idle(); }

  const hale::clock& clock() const override { return place_.clock(); }
  hale::supervisor& cluster() override { return cluster_; }
  void start(task<void> body) override { chair_.runs_on().start(std::move(body)); }
  task<void> pause() override {
    const duration wait = milliseconds(chance_.below(400, "model.pause"));
    co_await clock().sleep_for(wait);
  }
  task<void> strike(blow what) override {
    sim::server_condition& condition = actors_.roles().begin()->second.condition;
    if (what == blow::oom) {
      condition.hung = true;  // it does nothing but take memory
      co_await clock().sleep_for(2 * milliseconds(chance_.below(400, "model.fill")));
    }
    sim::simulated_process* const leader = place_.find_leader(actors_.roles().begin()->first);
    BOOST_TEST((leader != nullptr));
    if (leader == nullptr) co_return;
    switch (what) {
      case blow::crash: place_.deliver(*leader, SIGSEGV); break;
      case blow::kill: place_.deliver(*leader, SIGKILL); break;
      case blow::exit_clean: place_.end(*leader, exited{0}); break;
      case blow::hang: condition.hung = true; break;
      case blow::freeze: place_.deliver(*leader, SIGSTOP); break;
      case blow::garbage: condition.wrong = true; break;
      case blow::oom: place_.charge(*leader, memory_limit); break;
    }
  }
  task<void> raise_stranger(bool answers) override {
    const std::uint16_t port = spec_.services.front().instances.front().port;
    stranger_ = place_.spawn(process_spec(), sim::port_thief(port, answers, std::chrono::hours(1)));
    co_await clock().sleep_for(milliseconds(100));
  }
  task<void> dismiss_stranger() override {
    place_.deliver(*stranger_, SIGKILL);
    co_return;
  }

 private:
  sim::seed_driver driver_;
  sim::choices chance_{driver_};
  sim::trace record_;
  sim::scheduler time_{chance_, record_};
  sim::fabric net_{time_};
  sim::truth truth_;
  cluster_spec spec_;
  sim::cast actors_{spec_};
  sim::machine place_{time_, net_, truth_};
  sim::node& hand_{time_.add_node("hand", &place_.clock())};
  sim::seat chair_{place_, actors_.loader()};
  hale::supervisor cluster_{chair_.world(), spec_};
  std::shared_ptr<sim::simulated_process> stranger_;
};

/// Empty if the simulator can produce `real`; else what it produces.
std::string differs_from_model(const performance& one, const std::string& real) {
  std::map<std::string, int> produced;
  for (std::uint64_t seed = 1; seed <= most_seeds; ++seed) {
    simulated_theatre model(one.what, one.spec, seed);
    BOOST_TEST_REQUIRE(model.ended(), one.what.name << " does not end in the model, seed " << seed);
    BOOST_TEST(model.as_planned, one.what.name << " does not go as planned in the model, seed " << seed);
    if (model.events.shapes == real) {
      BOOST_TEST_MESSAGE(one.what.name << ": as with seed " << seed << "\n" << real);
      return {};
    }
    ++produced[model.events.shapes];
  }
  const auto more_often = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto commonest = std::max_element(produced.begin(), produced.end(), more_often);
  return fmt::format("{} orders in {} runs; {} times this:\n{}", produced.size(), most_seeds, commonest->second,
                     commonest->first);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_happens_to_real_processes_happens_in_the_simulator_too) {
  const test::temporary_directory logs;
  os::linux_world_options options;
  options.log_directory = logs.path();
  test::checked_world here(options);
  std::vector<performance> all;
  for (const scene& what : all_scenes()) {
    if (what.limited && !here->processes().limits_memory()) {
      BOOST_TEST_MESSAGE("skipped: no memory control group can be made here");
      continue;
    }
    cluster_spec spec = spec_of(what, {});
    all.push_back(performance{what, std::move(spec), nullptr});
  }
  const std::vector<std::uint16_t> ports = free_ports(*here, 2 * all.size());
  for (std::size_t at = 0; at < all.size(); ++at) {
    std::vector<std::uint16_t> own(ports.begin() + static_cast<std::ptrdiff_t>(2 * at),
                                   ports.begin() + static_cast<std::ptrdiff_t>(2 * at + 2));
    own.resize(static_cast<std::size_t>(all[at].what.instances));
    all[at].spec = spec_of(all[at].what, own);
  }
  here->run(play_all(*here, all));
  for (const performance& one : all) {
    const std::string& real = one.stage->events.shapes;
    BOOST_TEST(one.stage->as_planned, one.what.name << " did not go as planned:\n" << real);
    const std::string difference = differs_from_model(one, real);
    BOOST_TEST(difference.empty(), one.what.name << " really went\n" << real << "and in the simulator " << difference);
  }
  for (performance& one : all) one.stage.reset();
}
