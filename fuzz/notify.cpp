// Datagrams of any bytes on the notify socket, from children, their children and strangers, while a cluster runs. What
// is understood can be said again; what is nobody's or malformed is counted; the cluster can still be stopped in the
// end. Datagrams are the parts of the text; for each: who sends it, whether it was cut, how long nothing happens then.
#include <algorithm>
#include <array>
#include <string>

#include "hale/async/channel.hpp"
#include "hale/control/notify_server.hpp"
#include "hale/control/supervisor_target.hpp"
#include "hale/record/status_json.hpp"
#include "hale/wire/notify.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"
#include "support/fake_world.hpp"

namespace {

using namespace hale;
using namespace std::chrono_literals;

std::string said_again(const sd_notification& what) {
  std::string text;
  if (what.ready) text += "READY=1\n";
  if (what.reloading) text += "RELOADING=1\n";
  if (what.stopping) text += "STOPPING=1\n";
  if (what.watchdog) text += "WATCHDOG=1\n";
  if (what.watchdog_trigger) text += "WATCHDOG=trigger\n";
  if (what.status) text += "STATUS=" + *what.status + '\n';
  if (what.error_number) text += "ERRNO=" + std::to_string(*what.error_number) + '\n';
  if (what.watchdog_usec) text += "WATCHDOG_USEC=" + std::to_string(*what.watchdog_usec) + '\n';
  if (what.extend_timeout_usec) text += "EXTEND_TIMEOUT_USEC=" + std::to_string(*what.extend_timeout_usec) + '\n';
  return text;
}

void check_parsing(std::string_view bytes) {
  const auto parsed = parse_notification(bytes);
  if (!parsed) {
    const bool has_control = std::any_of(bytes.begin(), bytes.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
    });
    CHECK((parsed.error() == errc::too_large && bytes.size() > max_notification_bytes) ||
          (parsed.error() == errc::malformed && has_control));
    return;
  }
  CHECK(bytes.size() <= max_notification_bytes);
  CHECK(!parsed->error_number || *parsed->error_number >= 0);
  CHECK(!parsed->status || parsed->status->find('\n') == std::string::npos);
  const auto lines = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n')) + 1;
  CHECK(parsed->unknown_fields + parsed->malformed_lines <= lines);
  const std::string again = said_again(*parsed);
  if (again.size() > max_notification_bytes) return;
  const auto reparsed = parse_notification(again);
  CHECK(reparsed.has_value() && said_again(*reparsed) == again);
  CHECK(reparsed->malformed_lines == 0 && reparsed->unknown_fields == 0);
}

class memory_datagrams final : public datagram_socket {
 public:
  task<result<datagram>> receive(deadline limit) override {
    auto got = co_await waiting.receive(limit);
    co_return got;
  }
  channel<datagram> waiting{1};
};

cluster_spec make_cluster() {
  cluster_spec spec;
  service_spec& llama = spec.services.emplace_back();
  llama.name = "llama";
  llama.command = {"server"};
  llama.base_port = 11434;
  for (int i = 1; i <= 2; ++i) {
    instance_spec& one = llama.instances.emplace_back();
    one.name = "llama-" + std::to_string(i);
    one.port = static_cast<std::uint16_t>(11434 + 10 * i);
  }
  llama.health.emplace();
  llama.heartbeat.emplace();
  return spec;
}

/// A running cluster, and the socket it listens on.
class cluster {
 public:
  cluster() { world_.executor.run_for(100ms); }

  void receive(datagram said) {
    const std::uint64_t rejected = cluster_.status().reports_rejected;
    const std::uint64_t too_long = counters_.too_long;
    const bool cut = said.truncated || said.bytes.size() > max_notification_bytes;
    const bool of_ours = is_ours(said.sender_pid);
    const bool readable = parse_notification(said.bytes).has_value();
    CHECK(socket_.waiting.try_send(std::move(said)));
    world_.executor.run_ready();
    CHECK(counters_.too_long - too_long == (cut ? 1 : 0));
    CHECK(cluster_.status().reports_rejected - rejected == (!cut && (!of_ours || !readable) ? 1 : 0));
  }
  void pass(duration time) { world_.executor.run_for(time); }
  /// 0: a leader, 1: its child, 2: a stranger, 3: unknown.
  std::int64_t sender(std::size_t kind) const {
    const std::int64_t leader = world_.host.lives.empty() ? 1 : world_.host.lives.back()->pid;
    const std::array<std::int64_t, 4> pids = {leader, leader + 100'000, 4711, 0};
    return pids[kind];
  }
  void stop() {
    CHECK(parse_status(status_json(cluster_.status())).has_value());
    cluster_.request_stop("the input ends");
    world_.executor.run_for(2min);
    CHECK(running_.done());
    CHECK(world_.host.alive() == 0);
    stop_.cancel();
    world_.executor.run_ready();
    CHECK(server_.done());
  }

 private:
  bool is_ours(std::int64_t pid) const {
    return std::any_of(world_.host.lives.begin(), world_.host.lives.end(), [&](const auto& life) {
      return life->alive() && (life->pid == pid || life->pid + 100'000 == pid);
    });
  }

  test::fake_world world_;
  supervisor cluster_{world_.view, make_cluster()};
  supervisor_target target_{cluster_};
  memory_datagrams socket_;
  notify_counters counters_;
  cancel_source stop_;
  root<void> running_{world_.executor, cluster_.run()};
  root<void> server_{world_.executor, serve_notify(socket_, target_, world_.clock, counters_), &stop_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<duration, 4> pauses = {0s, 1s, 20s, 1min};
  fuzz::input in(data, size);
  cluster running;
  for (const std::string_view part : in.parts(16)) {
    check_parsing(part);
    datagram said;
    said.bytes = part;
    said.sender_pid = running.sender(in.choose(4));
    said.truncated = in.flip();
    running.receive(std::move(said));
    running.pass(pauses[in.choose(pauses.size())]);
  }
  running.stop();
  return 0;
}
