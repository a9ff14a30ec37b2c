// hale demo: three model servers that load, answer, and fail on a schedule, healed before the user's eyes.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "cluster_host.hpp"
#include "commands.hpp"
#include "demo_plan.hpp"
#include "event_log.hpp"
#include "files.hpp"
#include "hale/base/version.hpp"
#include "hale/record/event_line.hpp"
#include "live_view.hpp"
#include "status_table.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr duration grace = std::chrono::seconds(45);  // for what is still being healed at the end
constexpr std::uint64_t memory_limit_bytes = 128 * 1024 * 1024;

// Beside this binary, or where it is installed.
std::optional<std::string> find_demo_server() {
  const auto self = real_path("/proc/self/exe");
  if (!self) return std::nullopt;
  const std::string folder = self->substr(0, self->rfind('/'));
  for (const std::string& place : {folder, folder + "/../" HALE_LIBEXEC_DIR}) {
    const std::string path = place + "/hale-demo-server";
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

// Ports that were free a moment ago, all different.
std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  std::vector<int> held;
  for (std::size_t at = 0; at < count; ++at) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    held.push_back(one);
    if (bind(one, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) break;
    if (getsockname(one, reinterpret_cast<sockaddr*>(&address), &size) != 0) break;
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int one : held) close(one);
  return ports;
}

service_spec demo_service(const std::string& name, std::uint16_t port, const std::string& server, bool real_oom) {
  service_spec service;
  service.name = name;
  service.command = {server, "--port", "{port}", "--name", "{name}", "--load-time", "1500ms"};
  service.instances.push_back({name, port});
  service.health.emplace();
  service.health->interval = std::chrono::milliseconds(500);
  service.health->timeout = std::chrono::seconds(1);
  service.health->failures = 2;
  service.restart.backoff.base = std::chrono::milliseconds(300);
  service.restart.backoff.cap = std::chrono::seconds(2);
  service.restart.reset_after = std::chrono::seconds(5);
  service.stop.timeout = std::chrono::seconds(1);
  if (real_oom) service.memory.limit_bytes = memory_limit_bytes;
  if (!real_oom) service.command.insert(service.command.end(), {"--oom-bound", "64MiB"});
  return service;
}

// Does a control group take a limit here? Asked of a world that is made for it alone.
bool can_limit_memory() { return os::linux_world().processes().limits_memory(); }

class temporary_directory {
 public:
  temporary_directory() {
    const char* base = std::getenv("TMPDIR");
    path_ = fmt::format("{}/hale-demo-XXXXXX", base != nullptr && *base == '/' ? base : "/tmp");
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  temporary_directory(const temporary_directory&) = delete;
  ~temporary_directory() {
    if (!path_.empty()) remove_tree(path_);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// Shows the cluster, the faults and the newest events, until all is healed and the time is over.
class show {
 public:
  show(cluster_host& host, demo_plan& plan, duration length)
      : host_(host), plan_(plan), length_(length), begun_(host.here().view().clock.now()) {}

  task<void> direct() {
    const clock& time = host_.here().view().clock;
    while (!co_await time.sleep_for(std::chrono::milliseconds(100))) {
      const duration now = time.now() - begun_;
      const cluster_status status = host_.supervisor().status();
      plan_.watch(now, status);
      if (view_.in_place()) draw(now, status);
      if ((now >= length_ && plan_.all_healed()) || now >= length_ + grace) {
        host_.supervisor().request_stop("the demo is over");
        co_return;
      }
    }
  }
  bool in_place() const noexcept { return view_.in_place(); }

 private:
  std::string fault_line(const demo_fault& fault, duration now) const {
    const std::string what = left(fmt::format("{} {}", fault.instance, fault.story), 48);
    switch (fault.is) {
      case demo_fault::stage::coming:
        return view_.colours().faint(fmt::format("  in {} {}", left(short_duration(fault.at - now), 7), what));
      case demo_fault::stage::struck: return view_.colours().warning(fmt::format("  healing    {}", what));
      default: break;
    }
    return view_.colours().good(fmt::format("  healed     {} {}", what, fitted(fault.verdict, 18)));
  }

  void draw(duration now, const cluster_status& status) {
    std::string picture = status_table(status, view_.colours()) + "\n";
    for (const demo_fault& fault : plan_.faults()) picture += fault_line(fault, now) + "\n";
    picture += "\n";
    constexpr std::uint64_t most_shown = 7;
    history& events = host_.events();
    const std::uint64_t kept = events.next() - events.first();
    const std::uint64_t first = kept > most_shown ? events.next() - most_shown : events.first();
    for (std::uint64_t at = first; at < events.next(); ++at) {
      picture += view_.colours().faint(fitted(event_line(events.at(at)).substr(11), table_width)) + "\n";
    }
    view_.show(std::move(picture));
  }

  cluster_host& host_;
  demo_plan& plan_;
  duration length_;
  instant begun_;
  live_view view_{1};
};

int tell_outcome(const demo_plan& plan) {
  for (const demo_fault& fault : plan.faults()) {
    if (fault.is == demo_fault::stage::healed) continue;
    complain(0, fmt::format("not healed: {} {}", fault.instance, fault.story));
  }
  if (!plan.all_healed()) return exit_failed;
  print(fmt::format("All {} faults were healed.\n", plan.faults().size()));
  return exit_done;
}

int perform(const std::string& server, const state_directory& state, duration length) {
  const bool real_oom = can_limit_memory();
  demo_plan plan(length, real_oom);
  const std::vector<std::uint16_t> ports = free_ports(3);
  if (ports.size() < 3) return complain(exit_failed, "no free ports on 127.0.0.1");
  cluster_spec spec;
  spec.name = "demo";
  spec.start_concurrency = 3;
  const std::string epoch = fmt::format("{}", os::monotonic_now().time_since_epoch().count());
  for (const std::string name : {"chat", "code", "embed"}) {
    service_spec service = demo_service(name, ports[spec.services.size()], server, real_oom);
    service.command.insert(service.command.end(),
                           {"--fault-schedule", plan.schedule_of(name), "--schedule-epoch", epoch});
    spec.services.push_back(std::move(service));
  }
  cluster_host host(std::move(spec), state);
  if (const auto failed = host.open()) return complain(failed->exit_code, failed->line);
  show stage(host, plan, length);
  event_log log(1);
  if (!stage.in_place()) host.supervisor().subscribe(log);
  print(fmt::format("hale {}: three model servers, {} faults in {}; watch from elsewhere with `hale status`\n\n",
                    HALE_VERSION, plan.faults().size(), short_duration(length)));
  host.run_to_end(stage.direct());
  return tell_outcome(plan);
}

}  // namespace

int execute(const demo_command& command, const command_line&) {
  const auto server = find_demo_server();
  if (!server) return complain(exit_failed, "hale-demo-server is not beside this hale; build or install it too");
  const temporary_directory home;
  if (home.path().empty()) return complain(exit_failed, "cannot make a temporary directory; set TMPDIR to one");
  const auto state = state_directory::claim(home.path(), "demo");
  if (!state) return complain(state.error().exit_code, state.error().line);
  return perform(*server, *state, command.length);
}

}  // namespace hale::cli
