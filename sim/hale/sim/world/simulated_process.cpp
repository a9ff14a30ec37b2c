#include "hale/sim/world/simulated_process.hpp"

#include "hale/sim/world/machine.hpp"

namespace hale::sim {

simulated_process::simulated_process(machine& on, std::int64_t pid, std::uint64_t serial, process_spec spec)
    : machine_(on), pid_(pid), group_(pid), serial_(serial), spec_(std::move(spec)) {}

simulated_process::~simulated_process() = default;

std::string_view simulated_process::variable(std::string_view name) const noexcept {
  for (const std::string& line : spec_.environment) {
    const std::string_view text = line;
    if (text.size() > name.size() && text[name.size()] == '=' && text.starts_with(name)) {
      return text.substr(name.size() + 1);
    }
  }
  return {};
}

result<std::unique_ptr<listener>> simulated_process::listen(endpoint at, bool reuse_port) {
  return machine_.net().listen(machine_, this, std::move(at), reuse_port);
}

const hale::clock& simulated_process::clock() const noexcept { return machine_.clock(); }
choices& simulated_process::chance() const noexcept { return machine_.time().chance(); }

task<void> simulated_process::allocate(std::uint64_t bytes) {
  machine_.charge(*this, bytes);
  co_await yield();
}

void simulated_process::release(std::uint64_t bytes) noexcept { machine_.discharge(*this, bytes); }

void simulated_process::print(std::string_view text, output_stream to) {
  if (alive() && output_ != nullptr) output_->on_output(to, text);
}

void simulated_process::compute(bool busy) noexcept {
  busy_ = busy;
  account();
}

void simulated_process::account() noexcept {
  const instant now = machine_.time().now();
  if (busy_since_) cpu_used_ += now - *busy_since_;
  const bool runs = busy_ && alive() && !stopped_ && !stuck_;
  busy_since_ = runs ? std::optional<instant>(now) : std::nullopt;
}

duration simulated_process::cpu_time() const noexcept {
  return busy_since_ ? cpu_used_ + (machine_.time().now() - *busy_since_) : cpu_used_;
}

task<void> simulated_process::exit(exit_status how) {
  machine_.end(*this, how);
  co_await yield();
}

simulated_process& simulated_process::fork(std::string name, program child, bool leaves_group) {
  return *machine_.fork(*this, std::move(name), std::move(child), leaves_group);
}

void simulated_process::notify(std::string_view path, std::string text) {
  if (alive()) machine_.net().send_datagram(machine_, path, std::move(text), pid_);
}

}  // namespace hale::sim
