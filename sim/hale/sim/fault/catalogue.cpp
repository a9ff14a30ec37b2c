#include "hale/sim/fault/catalogue.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace hale::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr auto each = fault_scope::instance;
constexpr auto whole = fault_scope::machine;

constexpr std::array<fault_description, 34> descriptions = {{
    {fault_kind::crash, "crash", each, {1, 5}, duration{}, "a deadly signal or an exit code"},
    {fault_kind::kill, "kill", each, {1, 40}, duration{}, "SIGKILL from somebody else"},
    {fault_kind::exit_clean, "exit", each, {1, 20}, duration{}, "exit 0 nobody asked for"},
    {fault_kind::oom, "oom", each, {1, 20}, minutes(5), "memory grows until the kernel kills"},
    {fault_kind::hang, "hang", each, {1, 20}, minutes(10), "accepts, never answers, no heartbeats"},
    {fault_kind::grey, "grey", each, {1, 60}, minutes(10), "health page fine, every request fails"},
    {fault_kind::wrong, "garbage", each, {1, 40}, minutes(10), "every answer is an error"},
    {fault_kind::mute, "mute", each, {1, 60}, minutes(10), "heartbeats stop"},
    {fault_kind::slow, "slow", each, {1, 30}, minutes(5), "answers take seconds"},
    {fault_kind::freeze, "freeze", each, {1, 30}, minutes(10), "SIGSTOP"},
    {fault_kind::stuck, "stuck", each, {1, 200}, minutes(2), "stuck in the kernel: SIGKILL does not help"},
    {fault_kind::slow_start, "slow-start", each, {1, 5}, minutes(10), "loading takes up to 100 times as long"},
    {fault_kind::fail_start, "fail-start", each, {1, 10}, minutes(10), "the next starts fail"},
    {fault_kind::ignore_term, "ignore-term", each, {1, 10}, minutes(10), "SIGTERM does nothing"},
    {fault_kind::grandchild, "grandchild", each, {1, 20}, minutes(10), "a child keeps the port when it dies"},
    {fault_kind::jitter, "jitter", each, {1, 20}, minutes(5), "heartbeats come up to three periods late"},
    {fault_kind::exec_error, "exec", each, {1, 50}, minutes(5), "its program cannot be started"},
    {fault_kind::port_thief, "port-thief", each, {1, 50}, minutes(5), "a stranger takes its port"},
    {fault_kind::drop, "drop", each, {1, 30}, minutes(1), "connects are swallowed"},
    {fault_kind::memory_hog, "memory-hog", whole, {1, 30}, minutes(3), "a stranger takes the machine's memory"},
    {fault_kind::spawn_error, "spawn", whole, {1, 30}, minutes(1), "no process can be started (EAGAIN, ENOMEM)"},
    {fault_kind::late_reap, "late-reap", whole, {1, 20}, minutes(1), "zombies stay for seconds"},
    {fault_kind::pid_reuse, "pid-reuse", whole, {1, 10}, duration{}, "the next pid is one just given up"},
    {fault_kind::latency, "latency", whole, {1, 10}, minutes(5), "some packets take long"},
    {fault_kind::partial, "partial", whole, {1, 10}, minutes(5), "some connections move few bytes at a time"},
    {fault_kind::reset, "reset", whole, {1, 10}, minutes(5), "some connections are reset"},
    {fault_kind::stall, "stall", whole, {1, 20}, minutes(5), "some connections fall silent"},
    {fault_kind::wall_step, "wall-step", whole, {1, 20}, duration{}, "the wall clock jumps, up to an hour"},
    {fault_kind::disk_full, "disk-full", whole, {1, 60}, minutes(10), "logs cannot be written"},
    {fault_kind::stop_supervisor, "stall-hale", whole, {1, 30}, seconds(10), "hale itself does not run for a while"},
    {fault_kind::crash_supervisor, "kill-hale", whole, {1, 60}, seconds(5), "hale itself is killed, and started again",
     false},
    {fault_kind::descriptors, "descriptors", whole, {1, 30}, minutes(1), "hale has no descriptors left"},
    {fault_kind::restart_command, "restart", each, {1, 60}, duration{}, "a person restarts it"},
    {fault_kind::stop_command, "stop", each, {1, 120}, minutes(5), "a person stops it and starts it later"},
}};

}  // namespace

std::span<const fault_description> fault_catalogue() noexcept { return descriptions; }

const fault_description& describe(fault_kind kind) noexcept {
  const fault_description& found = descriptions[static_cast<std::size_t>(kind)];
  assert(found.kind == kind);
  return found;
}

std::optional<fault_kind> fault_from_name(std::string_view name) noexcept {
  const auto found = std::find_if(descriptions.begin(), descriptions.end(),
                                  [&](const fault_description& one) { return one.name == name; });
  return found == descriptions.end() ? std::nullopt : std::optional(found->kind);
}

}  // namespace hale::sim
