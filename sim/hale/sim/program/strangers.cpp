#include "hale/sim/program/strangers.hpp"

#include <memory>

#include "hale/async/scope.hpp"
#include "hale/wire/http_server.hpp"

namespace hale::sim {
namespace {

constexpr duration bind_poll = std::chrono::milliseconds(50);
constexpr int hog_steps = 16;

class ok_handler final : public http_handler {
 public:
  task<void> handle(http_request, http_responder& reply, http_peer) override {
    http_response answer(200, "application/json", R"({"status":"ok"})");
    auto sending = reply.send(std::move(answer));
    co_await std::move(sending);
  }
};

task<int> steal(simulated_process& self, std::uint16_t port, bool answers, duration stays) {
  const instant until = saturating_add(self.clock().now(), stays);
  result<std::unique_ptr<listener>> at = self.network().listen(endpoint::tcp("127.0.0.1", port));
  while (!at && self.clock().now() < until) {
    co_await self.clock().sleep_for(bind_poll);
    at = self.network().listen(endpoint::tcp("127.0.0.1", port));
  }
  if (!at) co_return 1;
  const context here = co_await this_context();
  ok_handler handler;
  scope serving(here);
  if (answers) {
    http_server_options options(self.clock());
    serving.spawn(serve_http(**at, handler, std::move(options)));
  }
  co_await self.clock().sleep_until(until);
  serving.cancel();
  co_await serving.join();
  co_return 0;
}

task<int> hog(simulated_process& self, std::uint64_t bytes, duration stays) {
  for (int n = 0; n < hog_steps; ++n) {
    co_await self.allocate(bytes / hog_steps);
    co_await self.clock().sleep_for(stays / (4 * hog_steps));
  }
  co_await self.clock().sleep_for(stays / 4 * 3);
  co_return 0;
}

task<int> try_connect(simulated_process& self, std::uint16_t port) {
  const deadline limit = self.clock().after(std::chrono::seconds(2));
  auto connecting = self.network().connect(endpoint::tcp("127.0.0.1", port), limit);
  const auto connected = co_await std::move(connecting);
  co_return connected ? 0 : 1;
}

task<int> look_at(const server_condition& of) { co_return of.hung || of.wrong ? 1 : 0; }

}  // namespace

program port_thief(std::uint16_t port, bool answers, duration stays) {
  return [=](simulated_process& self) { return steal(self, port, answers, stays); };
}

program memory_hog(std::uint64_t bytes, duration stays) {
  return [=](simulated_process& self) { return hog(self, bytes, stays); };
}

program connect_probe(std::uint16_t port) {
  return [=](simulated_process& self) { return try_connect(self, port); };
}

program worker_probe(const server_condition& of) {
  return [&of](simulated_process&) { return look_at(of); };
}

}  // namespace hale::sim
