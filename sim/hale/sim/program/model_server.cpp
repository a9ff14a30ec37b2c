#include "hale/sim/program/model_server.hpp"

#include <charconv>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

#include "hale/async/scope.hpp"
#include "hale/base/error.hpp"
#include "hale/sim/world/machine.hpp"
#include "hale/wire/http_server.hpp"

namespace hale::sim {
namespace {

constexpr int load_steps = 8;
constexpr duration leak_step = std::chrono::seconds(1);

/// Keeps the port of a parent that died, as a child with an inherited socket does.
task<int> hold_ports(simulated_process& self, std::shared_ptr<simulated_process> parent,
                     std::vector<std::uint16_t> ports, bool reuse_port) {
  self.ignore_term();
  co_await self.allocate(std::uint64_t(64) << 20);
  co_await parent->ended().wait();
  std::vector<std::unique_ptr<listener>> held;
  for (const std::uint16_t port : ports) {
    auto at = self.listen(endpoint::tcp("127.0.0.1", port), reuse_port);
    if (at) held.push_back(std::move(*at));
  }
  trigger never;
  co_await never.wait();
  co_return 0;
}

class server final : http_handler {
 public:
  server(simulated_process& self, const server_profile& profile, server_condition& condition)
      : self_(self), profile_(profile), condition_(condition) {}

  task<int> run() {
    condition_.begin_incarnation();
    condition_.ignores_term ? self_.ignore_term() : self_.catch_term();
    co_await self_.allocate(std::uint64_t(100) << 20);
    if (condition_.failing_starts > 0) {
      --condition_.failing_starts;
      self_.print("error: failed to load model\n");
      co_return 1;
    }
    if (!listen()) co_return 1;
    const context here = co_await this_context();
    scope parts(here);
    for (const auto& at : listeners_) parts.spawn(serve_http(*at, *this, options()));
    if (condition_.leaves_grandchild) {
      const auto parent = self_.where().processes().at(self_.pid());
      program helper = [parent, ports = profile_.ports, shared = profile_.reuse_port](simulated_process& child) {
        return hold_ports(child, parent, ports, shared);
      };
      self_.fork("helper", std::move(helper), true);
    }
    parts.spawn(load());
    parts.spawn(leak());
    parts.spawn(beat());
    co_await self_.terminated().wait();
    co_await self_.clock().sleep_for(profile_.stop_time);
    parts.cancel();
    auto joining = parts.join();
    co_await shielded(std::move(joining));
    co_return 0;
  }

 private:
  http_server_options options() const { return http_server_options(self_.clock()); }

  bool listen() {
    for (const std::uint16_t port : profile_.ports) {
      auto at = self_.listen(endpoint::tcp("127.0.0.1", port), profile_.reuse_port);
      if (!at) {
        self_.print(fmt::format("error: cannot bind to 127.0.0.1:{}: Address already in use\n", port));
        return false;
      }
      listeners_.push_back(std::move(*at));
    }
    return true;
  }

  task<void> load() {
    self_.compute(true);
    const duration step = profile_.load_time * condition_.load_factor / load_steps;
    for (int n = 0; n < load_steps; ++n) {
      const auto cancelled = co_await self_.clock().sleep_for(step);
      if (cancelled) co_return;
      co_await self_.allocate(profile_.model_bytes / load_steps);
    }
    self_.compute(false);
    self_.print("model loaded\n");
    loaded_ = true;
  }

  /// Memory that is lost while it leaks, and found again when that is over.
  task<void> leak() {
    std::uint64_t leaked = 0;
    for (;;) {
      if (condition_.leak_bytes_per_second == 0) {
        self_.release(std::exchange(leaked, 0));
        const auto cancelled = co_await condition_.changed.wait();
        if (cancelled) co_return;
        continue;
      }
      leaked += condition_.leak_bytes_per_second;
      co_await self_.allocate(condition_.leak_bytes_per_second);
      const auto cancelled = co_await self_.clock().sleep_for(leak_step);
      if (cancelled) co_return;
    }
  }

  task<void> beat() {
    const std::string_view path = self_.variable("NOTIFY_SOCKET");
    const std::string_view text = self_.variable("WATCHDOG_USEC");
    std::int64_t microseconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), microseconds);
    if (path.empty() || microseconds <= 0) co_return;
    const duration period = std::chrono::microseconds(microseconds) / 2;
    for (;;) {
      if (!condition_.hung && !condition_.mute) self_.notify(path, "WATCHDOG=1");
      duration late{};
      if (condition_.heartbeat_jitter > duration::zero()) {
        const auto steps = static_cast<std::uint64_t>(condition_.heartbeat_jitter / std::chrono::milliseconds(1)) + 1;
        late = std::chrono::milliseconds(self_.chance().below(steps, "heartbeat.jitter"));
      }
      // Whoever lets it be punctual again need not wait for the late one.
      const deadline next = self_.clock().after(period + late);
      const std::error_code why = co_await condition_.changed.wait(next);
      if (why == errc::cancelled) co_return;
    }
  }

  task<void> handle(http_request request, http_responder& reply, http_peer) override {
    while (condition_.hung) {
      const auto cancelled = co_await condition_.changed.wait();
      if (cancelled) co_return;
    }
    const auto cancelled = co_await self_.clock().sleep_for(profile_.answer_time + condition_.slow_by);
    if (cancelled) co_return;
    const bool for_health = request.target == profile_.health_path;
    if (!for_health) co_await self_.allocate(profile_.bytes_per_request);
    http_response answer = answer_to(for_health);
    auto sending = reply.send(std::move(answer));
    co_await std::move(sending);
    if (!for_health) self_.release(profile_.bytes_per_request);
  }

  http_response answer_to(bool for_health) const {
    if (!loaded_) return http_response(503, "application/json", R"({"error":{"message":"Loading model"}})");
    if (condition_.wrong || (condition_.grey && !for_health)) {
      return http_response(500, "application/json", R"({"error":{"message":"internal error"}})");
    }
    return http_response(profile_.ok_status, "application/json", profile_.ok_body);
  }

  simulated_process& self_;
  const server_profile& profile_;
  server_condition& condition_;
  std::vector<std::unique_ptr<listener>> listeners_;
  bool loaded_ = false;
};

task<int> run_server(simulated_process& self, server_profile profile, server_condition& condition) {
  server running(self, profile, condition);
  auto body = running.run();
  co_return co_await std::move(body);
}

}  // namespace

program model_server(server_profile profile, server_condition& condition) {
  return [profile = std::move(profile), &condition](simulated_process& self) {
    return run_server(self, profile, condition);
  };
}

}  // namespace hale::sim
