#include "hale/sim/world/simulated_host.hpp"

#include <algorithm>
#include <array>

#include "hale/base/error.hpp"

namespace hale::sim {
namespace {

constexpr std::size_t pipe_bytes = 64 * 1024;
constexpr duration kill_poll = std::chrono::milliseconds(1);

}  // namespace

/// What a process prints on its way to the supervisor: delivered in a step of the supervisor's own.
class output_relay final : public output_observer, private work {
 public:
  output_relay(node& on, output_observer& to)
      : work([](work& self) noexcept { static_cast<output_relay&>(self).deliver(); }), node_(on), to_(&to) {}

  void on_output(output_stream from, std::string_view bytes) noexcept override {
    std::string& held = held_[static_cast<std::size_t>(from)];
    held.append(bytes.substr(0, pipe_bytes - std::min(pipe_bytes, held.size())));
    if (!linked() && to_ != nullptr) node_.post(*this);
  }
  void deliver() noexcept {
    for (const output_stream from : {output_stream::out, output_stream::err}) {
      const std::string bytes = std::exchange(held_[static_cast<std::size_t>(from)], {});
      if (!bytes.empty() && to_ != nullptr) to_->on_output(from, bytes);
    }
  }
  void let_go() noexcept {
    deliver();
    to_ = nullptr;
    unlink();
  }
  /// The supervisor has died: nobody is there to be told.
  void abandon() noexcept {
    to_ = nullptr;
    unlink();
  }

 private:
  node& node_;
  output_observer* to_;
  std::array<std::string, 2> held_;
};

class simulated_handle final : public process {
 public:
  simulated_handle(machine& on, const node& supervisor, std::shared_ptr<simulated_process> leader,
                   std::shared_ptr<output_relay> output)
      : machine_(on), supervisor_(supervisor), leader_(std::move(leader)), output_(std::move(output)) {}
  ~simulated_handle() override {
    if (output_ == nullptr) return;
    supervisor_.killed() ? output_->abandon() : output_->let_go();
  }

  std::int64_t pid() const noexcept override { return leader_->pid(); }

  task<result<exit_status>> wait(deadline limit) override {
    const std::shared_ptr<simulated_process> kept = leader_;
    const std::error_code failed = co_await kept->ended().wait(limit);
    if (failed) co_return failed;
    co_return kept->status();
  }

  std::error_code signal(int number, signal_reach reach) noexcept override {
    if (reach == signal_reach::leader) {
      if (leader_->state() != simulated_process::life::reaped) machine_.deliver(*leader_, number);
      return {};
    }
    const auto members = leader_->tree()->members;
    for (simulated_process* one : members) {
      if (reach == signal_reach::tree || one->group() == leader_->pid()) machine_.deliver(*one, number);
    }
    return {};
  }

  task<std::error_code> kill_tree(deadline limit) override {
    for (;;) {
      const auto members = leader_->tree()->members;
      for (simulated_process* one : members) {
        if (one->alive()) machine_.deliver(*one, SIGKILL);
      }
      if (!tree_alive()) co_return std::error_code();
      if (limit.passed(machine_.clock().now())) co_return errc::timed_out;
      const std::error_code cancelled = co_await machine_.clock().sleep_for(kill_poll);
      if (cancelled) co_return cancelled;
    }
  }

  bool tree_alive() const noexcept override { return !leader_->tree()->members.empty(); }

  process_usage usage() const noexcept override {
    const process_tree& tree = *leader_->tree();
    process_usage measured;
    measured.rss_bytes = tree.rss_bytes;
    measured.cpu_time = tree.cpu_of_dead;
    measured.processes = static_cast<std::uint32_t>(tree.members.size());
    for (const simulated_process* one : tree.members) measured.cpu_time += one->cpu_time();
    return measured;
  }

  std::uint64_t oom_kills() const noexcept override { return leader_->tree()->oom_kills; }

  bool contains(std::int64_t pid) const noexcept override {
    const auto& members = leader_->tree()->members;
    return std::any_of(members.begin(), members.end(), [&](const simulated_process* one) { return one->pid() == pid; });
  }

 private:
  machine& machine_;
  const node& supervisor_;
  std::shared_ptr<simulated_process> leader_;
  std::shared_ptr<output_relay> output_;
};

std::optional<spawn_error> simulated_host::trouble_with(const process_spec& spec) const {
  if (troubles_.every_spawn) return troubles_.every_spawn;
  const auto found = troubles_.spawn_of.find(spec.name);
  if (found != troubles_.spawn_of.end()) return found->second;
  return std::nullopt;
}

task<result<std::unique_ptr<process>, spawn_error>> simulated_host::spawn(process_spec spec) {
  // Once begun it cannot be called off: clone(2) is one system call.
  const auto pause = [](const hale::clock& clock, duration wait) -> task<void> { co_await clock.sleep_for(wait); };
  auto taking = pause(machine_.clock(), troubles_.spawn_takes);
  co_await shielded(std::move(taking));
  std::optional<spawn_error> trouble = trouble_with(spec);
  result<program, spawn_error> body = trouble ? result<program, spawn_error>(*trouble) : loader_(spec);
  if (!body) {
    machine_.record().tell([&](truth_observer& one) { one.on_spawn_failed(spec.name); });
    co_return body.error();
  }
  std::shared_ptr<output_relay> output;
  if (spec.output != nullptr) output = std::make_shared<output_relay>(supervisor_, *spec.output);
  spec.output = nullptr;
  std::shared_ptr<simulated_process> leader = machine_.spawn(std::move(spec), std::move(*body), output);
  std::unique_ptr<process> handle =
      std::make_unique<simulated_handle>(machine_, supervisor_, std::move(leader), std::move(output));
  co_return handle;
}

port_holder simulated_host::find_listener(std::uint16_t port) noexcept {
  port_holder holder;
  const simulated_process* const owner = machine_.net().listening_process(machine_, port);
  if (owner == nullptr) return holder;
  holder.pid = owner->pid();
  holder.command = owner->spec().argv.empty() ? owner->spec().name : owner->spec().argv.front();
  return holder;
}

}  // namespace hale::sim
