#include "hale/sim/world/machine.hpp"

#include <algorithm>
#include <utility>
#include <cassert>
#include <charconv>

namespace hale::sim {
namespace {

constexpr std::uint64_t most_exit_microseconds = 1000;

bool stops_by_default(int signal) noexcept {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

bool ends_by_default(int signal) noexcept {
  switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
    case 0: return false;
    default: return !stops_by_default(signal);
  }
}

bool dumps_core(int signal) noexcept {
  switch (signal) {
    case SIGABRT:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
    case SIGQUIT:
    case SIGSYS:
    case SIGTRAP: return true;
    default: return false;
  }
}

std::string_view command_of(const process_spec& spec) {
  return spec.argv.empty() ? std::string_view() : std::string_view(spec.argv.front());
}

}  // namespace

machine::machine(scheduler& time, fabric& net, truth& record, machine_options options)
    : time_(time), fabric_(net), truth_(record), options_(std::move(options)), clock_(time, options_.clock),
      kernel_(time.add_node(options_.name + "/kernel", &clock_)), last_given_pid_(options_.first_pid - 1) {
  fabric_.add_machine(*this);
}

machine::~machine() {
  for (const auto& [pid, one] : processes_) {
    if (one->runs_on_ != nullptr) time_.retire(*std::exchange(one->runs_on_, nullptr));
  }
  time_.retire(kernel_);
}

// --- birth ----------------------------------------------------------------------------------------------------------

std::int64_t machine::next_pid() noexcept {
  if (std::exchange(reuse_pid_, false) && freed_pid_ != 0 && !in_use(freed_pid_)) return freed_pid_;
  do {
    last_given_pid_ = last_given_pid_ == options_.last_pid ? options_.first_pid : last_given_pid_ + 1;
  } while (in_use(last_given_pid_));
  return last_given_pid_;
}

// Nor is a pid given out that still names a group: fork(2).
bool machine::in_use(std::int64_t pid) const noexcept {
  return processes_.count(pid) != 0 || std::any_of(processes_.begin(), processes_.end(),
                                                   [&](const auto& one) { return one.second->group() == pid; });
}

std::shared_ptr<simulated_process> machine::create(process_spec spec, std::shared_ptr<process_tree> tree) {
  const std::int64_t pid = next_pid();
  auto made = std::make_shared<simulated_process>(*this, pid, ++next_serial_, std::move(spec));
  made->tree_ = std::move(tree);
  made->tree_->members.push_back(made.get());
  made->born_ = time_.now();
  made->network_ = fabric_.network_of(*this, made.get());
  made->runs_on_ = &time_.add_node(std::string(command_of(made->spec_)), &clock_);
  processes_.emplace(pid, made);
  return made;
}

std::shared_ptr<simulated_process> machine::spawn(process_spec spec, program body,
                                                  std::shared_ptr<output_observer> output) {
  auto tree = std::make_shared<process_tree>();
  tree->memory_limit_bytes = spec.memory_limit_bytes;
  auto made = create(std::move(spec), std::move(tree));
  made->leader_ = true;
  made->output_ = std::move(output);
  made->instance_ = made->spec_.name;
  const std::string_view number = made->variable("HALE_INCARNATION");
  std::from_chars(number.data(), number.data() + number.size(), made->incarnation_);
  leaders_[made->instance_].push_back(made.get());
  truth_.tell([&](truth_observer& one) { one.on_spawn(*made); });
  run(*made, std::move(body));
  return made;
}

std::shared_ptr<simulated_process> machine::fork(simulated_process& parent, std::string name, program body,
                                                 bool leaves_group) {
  process_spec spec = parent.spec_;
  spec.argv = {std::move(name)};
  auto made = create(std::move(spec), parent.tree_);
  made->instance_ = parent.instance_;
  made->output_ = parent.output_;
  made->incarnation_ = parent.incarnation_;
  if (!leaves_group) made->group_ = parent.group_;
  truth_.tell([&](truth_observer& one) { one.on_spawn(*made); });
  run(*made, std::move(body));
  return made;
}

void machine::run(simulated_process& which, program body) {
  which.runs_on_->start(run_program(which, std::move(body)));
}

task<void> machine::run_program(simulated_process& which, program body) {
  exit_status how = signalled{SIGABRT, true};  // what std::terminate() makes of an exception
  try {
    auto running = body(which);
    const int code = co_await std::move(running);
    how = exited{code & 0xff};  // exit(3)
  } catch (const std::exception& error) {
    which.print(error.what());
  }
  end(which, how);
}

// --- death ----------------------------------------------------------------------------------------------------------

void machine::end(simulated_process& which, exit_status how) {
  if (!which.alive()) return;
  which.compute(false);
  discharge(which, which.rss_bytes_);
  which.state_ = simulated_process::life::zombie;
  which.status_ = how;
  which.died_ = time_.now();
  which.stopped_ = false;
  which.pending_.clear();
  which.tree_->cpu_of_dead += which.cpu_used_;
  std::erase(which.tree_->members, &which);
  if (which.leader_) {
    const auto named = leaders_.find(which.instance_);
    std::erase(named->second, &which);
    if (named->second.empty()) leaders_.erase(named);
  }
  truth_.tell([&](truth_observer& one) { one.on_exit(which); });
  time_.record().note("exit", which.serial_);
  kernel_.start(reap(processes_.at(which.pid_)));
  time_.retire(*std::exchange(which.runs_on_, nullptr));
}

// Its sockets close before anybody is told that it has ended: do_exit() comes to exit_notify() last.
// A pidfd tells of the end at once, whoever reaps the zombie, and when.
task<void> machine::reap(std::shared_ptr<simulated_process> which) {
  const duration noticed = std::chrono::microseconds(time_.chance().below(most_exit_microseconds, "kernel.exit"));
  if (noticed > duration::zero()) {
    co_await clock_.sleep_for(noticed);
  } else {
    co_await yield();
  }
  which->ended_.fire();
  if (reaping_delay_ > noticed) co_await clock_.sleep_for(reaping_delay_ - noticed);
  which->state_ = simulated_process::life::reaped;
  truth_.tell([&](truth_observer& one) { one.on_reaped(*which); });
  freed_pid_ = which->pid_;
  processes_.erase(which->pid_);
  which->reaped_.fire();
}

void machine::deliver(simulated_process& to, int signal, signal_sender from) {
  sent_signal sent;
  sent.number = signal;
  sent.from = from;
  const bool beats_stop = signal == SIGKILL || signal == SIGCONT;
  sent.delivered = to.alive() && !to.stuck_ && (!to.stopped_ || beats_stop);
  truth_.tell([&](truth_observer& one) { one.on_signal(to, sent); });
  time_.record().note("signal", to.serial_ * 64 + static_cast<std::uint64_t>(signal));
  if (!to.alive()) return;
  // A stop and a continuation discard each other: sigaction(2) of POSIX, prepare_signal() of the kernel.
  if (signal == SIGCONT) std::erase_if(to.pending_, stops_by_default);
  if (stops_by_default(signal)) std::erase(to.pending_, SIGCONT);
  if (sent.delivered) {
    take_effect(to, signal, from);
  } else if (std::find(to.pending_.begin(), to.pending_.end(), signal) == to.pending_.end()) {
    to.pending_.push_back(signal);  // once: standard signals do not queue
  }
}

void machine::take_effect(simulated_process& on, int signal, signal_sender from) {
  if (stops_by_default(signal)) {
    on.stopped_ = true;
    on.account();
    on.runs_on_->stop();
    return;
  }
  if (signal == SIGCONT) {
    on.stopped_ = false;
    on.account();
    on.runs_on_->go_on();
    const auto waiting = std::exchange(on.pending_, {});
    for (const int next : waiting) {
      if (on.alive() && !on.stuck_) take_effect(on, next, from);
    }
    return;
  }
  if (signal == SIGTERM && on.ignores_term_) return;
  if (signal == SIGTERM && on.catches_term_) {
    on.terminated_.fire();
    return;
  }
  if (!ends_by_default(signal)) return;
  on.killed_by_oom_ = from == signal_sender::oom_killer;
  end(on, signalled{signal, dumps_core(signal)});
}

void machine::set_stuck(simulated_process& which, bool stuck) {
  if (!which.alive() || which.stuck_ == stuck) return;
  which.stuck_ = stuck;
  which.account();
  if (stuck) {
    which.runs_on_->stop();
    return;
  }
  const auto waiting = std::exchange(which.pending_, {});
  if (!which.stopped_) which.runs_on_->go_on();
  for (const int signal : waiting) {
    if (!which.alive()) return;
    const bool beats_stop = signal == SIGKILL || signal == SIGCONT;
    if (which.stopped_ && !beats_stop) {
      which.pending_.push_back(signal);
    } else {
      take_effect(which, signal, signal_sender::stranger);
    }
  }
}

// --- memory ---------------------------------------------------------------------------------------------------------

void machine::charge(simulated_process& whom, std::uint64_t bytes) {
  if (!whom.alive()) return;
  whom.rss_bytes_ += bytes;
  whom.tree_->rss_bytes += bytes;
  used_bytes_ += bytes;
  const process_tree& tree = *whom.tree_;
  while (tree.memory_limit_bytes != 0 && tree.rss_bytes > tree.memory_limit_bytes) {
    simulated_process* const victim = pick_victim(&tree);
    if (victim == nullptr) break;
    kill_for_memory(*victim);
  }
  while (used_bytes_ > memory_for_processes()) {
    simulated_process* const victim = pick_victim(nullptr);
    if (victim == nullptr) break;
    kill_for_memory(*victim);
  }
}

void machine::discharge(simulated_process& whom, std::uint64_t bytes) noexcept {
  const std::uint64_t freed = std::min(bytes, whom.rss_bytes_);
  whom.rss_bytes_ -= freed;
  whom.tree_->rss_bytes -= freed;
  used_bytes_ -= freed;
}

// The kernel keeps the last of several equals, and the youngest come last in its list. What is stuck cannot die, so it
// frees nothing: the next is taken.
simulated_process* machine::pick_victim(const process_tree* within) const noexcept {
  simulated_process* worst = nullptr;
  const auto consider = [&](simulated_process& one) {
    if (!one.alive() || one.stuck_ || one.rss_bytes_ == 0) return;
    const bool worse = worst == nullptr || one.rss_bytes_ > worst->rss_bytes_ ||
                       (one.rss_bytes_ == worst->rss_bytes_ && one.serial_ > worst->serial_);
    if (worse) worst = &one;
  };
  if (within != nullptr) {
    for (simulated_process* one : within->members) consider(*one);
  } else {
    for (const auto& [pid, one] : processes_) consider(*one);
  }
  return worst;
}

void machine::kill_for_memory(simulated_process& victim) {
  ++victim.tree_->oom_kills;
  truth_.tell([&](truth_observer& one) { one.on_oom_kill(victim); });
  deliver(victim, SIGKILL, signal_sender::oom_killer);
}

simulated_process* machine::find_leader(std::string_view instance) const noexcept {
  const auto found = leaders_.find(instance);
  return found == leaders_.end() ? nullptr : found->second.back();
}

}  // namespace hale::sim
