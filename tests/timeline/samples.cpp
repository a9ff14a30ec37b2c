// Prints the page of a made-up run: demo (what a small cluster lives through in a day), large (1,000 instances, 200,000
// spans), hostile (names and texts that try to break out of the page), empty.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "hale/sim/run/timeline.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

// Enough chance for a picture, the same each time.
class dice {
 public:
  std::int64_t roll(std::int64_t sides) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(sides));
  }
  duration between(duration low, duration high) { return low + duration(roll((high - low).count() / 1000) * 1000); }

 private:
  std::uint64_t state_ = 20261121;
};

// One instance's life, told step by step.
class life {
 public:
  life(sim::timeline& picture, std::string service, std::string instance, dice& chance)
      : picture_(picture), chance_(chance) {
    lane_.service = std::move(service);
    lane_.instance = std::move(instance);
  }

  duration now() const { return now_; }
  void be(duration lasts, std::string state, std::string health = "", std::string cause = "", std::string reason = "") {
    if (now_ >= picture_.length) return;
    lane_.spans.push_back({now_, std::move(state), std::move(health), std::move(cause), std::move(reason)});
    now_ += lasts;
  }
  void mark(sim::mark_kind kind, std::string name, std::string text, duration lasts = {}) {
    if (now_ < picture_.length) {
      picture_.marks.push_back({now_, lasts, lane_.instance, kind, std::move(name), std::move(text)});
    }
  }
  void start(duration loading) {
    be(chance_.between(200ms, 2s), "waiting");
    be(loading, "starting");
  }
  void serve(duration lasts) { be(lasts, "serving", "healthy"); }
  void end() { picture_.lanes.push_back(std::move(lane_)); }

 private:
  sim::timeline& picture_;
  dice& chance_;
  sim::timeline_lane lane_;
  duration now_{};
};

using sim::mark_kind;

void killed_for_memory(life& one, dice& chance) {
  one.mark(mark_kind::fault, "memory_leak", "grows by 40 MiB a minute", 11min);
  one.serve(chance.between(5min, 7min));
  one.be(4min, "serving", "degraded", "memory_limit", "resident 6.2 GiB, soft limit 6 GiB");
  one.mark(mark_kind::exit, "killed by SIGKILL", "the kernel's oom_kill counter went up by 1");
  one.mark(mark_kind::action, "restart", "attempt 1 of 5, at once");
  one.be(chance.between(1s, 4s), "waiting", "", "oom_killed", "killed by the kernel: out of memory");
  one.be(chance.between(40s, 90s), "starting");
}

void hung(life& one, dice& chance) {
  one.mark(mark_kind::fault, "hang", "accepts connections, answers nothing", chance.between(9min, 14min));
  one.serve(8s);
  one.be(50s, "serving", "degraded", "no_heartbeat", "no heartbeat for 21s, expected every 15s");
  one.be(1200ms, "serving", "unhealthy", "hung", "3 consecutive failures");
  one.mark(mark_kind::action, "restart", "attempt 1 of 5, after 512ms");
  one.be(10s, "stopping", "", "hung", "3 consecutive failures");
  one.mark(mark_kind::exit, "killed by SIGKILL", "did not stop within 10s");
  one.start(chance.between(30s, 70s));
}

void exhausted(life& one, dice& chance) {
  one.mark(mark_kind::fault, "bad_model_file", "every start ends with exit code 1", chance.between(50min, 70min));
  for (int attempt = 1; attempt <= 5; ++attempt) {
    one.be(chance.between(3s, 9s), "starting");
    one.mark(mark_kind::exit, "exit 1", "error: failed to load model");
    one.mark(mark_kind::action, "restart", fmt::format("attempt {} of 5", attempt));
    one.be(chance.between(1s, 4s) * (1 << attempt), "waiting", "", "exit_error", "exited with code 1");
  }
  one.mark(mark_kind::alert, "attempts exhausted", "5 restarts within 2 min; retried every 5 min");
  for (int retry = 0; retry < 10; ++retry) {
    one.be(5min, "cooling", "", "exit_error", "exited with code 1");
    one.be(chance.between(3s, 9s), "starting");
  }
  one.start(chance.between(30s, 70s));
  one.mark(mark_kind::alert_resolved, "attempts exhausted", "serving again");
}

void port_taken(life& one, dice& chance) {
  one.mark(mark_kind::fault, "port_taken", "a stranger listens on 11734", chance.between(18min, 26min));
  one.be(3s, "stopping", "", "operator", "restarted by hand");
  one.be(chance.between(18min, 26min), "foreign", "", "port_taken", "port 11734 is served by pid 4711 (ollama)");
  one.start(40s);
}

void held(life& one, dice& chance) {
  one.mark(mark_kind::exit, "exec failed", "No such file or directory: llama-server");
  one.mark(mark_kind::alert, "held", "the command does not exist; reload or start by hand");
  one.be(chance.between(40min, 80min), "held", "", "exec_failed", "llama-server: No such file or directory");
  one.mark(mark_kind::alert_resolved, "held", "started by hand");
  one.start(50s);
}

void rolled(life& one, dice& chance) {
  one.mark(mark_kind::action, "rollout", "spec changed");
  one.be(chance.between(20s, 90s), "stopping", "", "rollout", "spec changed");
  one.start(chance.between(30s, 60s));
}

// `calm` times fewer troubles make a longer run of the same size.
void live(life& one, dice& chance, duration quiet, int calm = 1) {
  constexpr std::array troubles = {killed_for_memory, hung, hung, exhausted, port_taken, held, rolled};
  one.start(chance.between(20s, 100s));
  while (one.now() < quiet) {
    one.serve(chance.between(20min, 150min) * calm);
    if (one.now() < quiet) troubles.at(static_cast<std::size_t>(chance.roll(troubles.size())))(one, chance);
  }
  one.serve(24h * calm);
  one.end();
}

sim::timeline demo() {
  sim::timeline picture;
  picture.cluster = "models";
  picture.title = "hale sim models.toml";
  picture.seed = "20261121";
  picture.trace = "9f3c5a1be07d2264";
  picture.verdict = "clean";
  picture.length = 12h;
  picture.phases = {{"warm", 0s}, {"chaos", 30min}, {"heal", 10h}, {"quiet", 10h + 30min}};
  dice chance;
  constexpr std::array<std::pair<std::string_view, int>, 5> services = {{{"llama", 4}, {"mistral", 3}, {"embed", 2},
                                                                         {"gateway", 1}, {"vector-db", 1}}};
  for (const auto& [service, count] : services) {
    for (int i = 1; i <= count; ++i) {
      std::string name = count == 1 ? std::string(service) : fmt::format("{}-{}", service, i);
      life one(picture, std::string(service), std::move(name), chance);
      live(one, chance, 10h);
    }
  }
  picture.marks.push_back({2h + 10min, 25min, "", mark_kind::fault, "slow_disk", "each read takes 80 ms longer"});
  picture.marks.push_back({5h, 6min, "", mark_kind::fault, "network_stall", "loopback stalls for 6 min"});
  picture.marks.push_back({5h + 1min, {}, "", mark_kind::alert, "correlated_failure", "4 of 4 of llama fail at once"});
  picture.marks.push_back({5h + 9min, {}, "", mark_kind::alert_resolved, "correlated_failure", "all serve again"});
  picture.marks.push_back({7h, {}, "", mark_kind::supervisor, "killed", "SIGKILL to hale itself"});
  picture.marks.push_back({7h + 2s, {}, "", mark_kind::supervisor, "restarted", "11 processes adopted"});
  return picture;
}

sim::timeline large() {
  sim::timeline picture = demo();
  picture.lanes.clear();
  picture.marks.clear();
  picture.length = 720h;
  picture.phases = {{"warm", 0s}, {"chaos", 1h}, {"quiet", 648h}};
  picture.verdict = "failed: converges: llama-0042 was not serving 10 minutes after the last fault";
  dice chance;
  for (int i = 0; i < 1000; ++i) {
    life one(picture, fmt::format("pool-{}", i / 100), fmt::format("llama-{:04}", i), chance);
    live(one, chance, 648h, 70);
  }
  picture.marks.push_back({700h, {}, "llama-0042", mark_kind::oracle, "converges", picture.verdict});
  return picture;
}

sim::timeline hostile() {
  const std::string evil = "</script><script>globalThis.broken = 1</script><!--hale:data--> <img onerror=alert(1)> & \" "
                           "' \xe2\x80\xa8 \xe2\x80\xa9 \xff\xfe \x01 ]]> <!-- \\u003c {\"a\":1} \u202etfel";
  sim::timeline picture;
  picture.cluster = picture.title = picture.seed = picture.trace = picture.verdict = evil;
  picture.length = 1min;
  picture.phases = {{evil, 0s}};
  picture.lanes = {{evil, evil, {{0s, evil, evil, evil, evil}, {30s, "serving", "", "", ""}}}};
  picture.marks = {{1s, 1s, evil, mark_kind::fault, evil, evil},
                   {2s, 0s, evil, mark_kind::alert, evil, evil},
                   {3s, 0s, "nobody", mark_kind::oracle, evil, evil}};
  return picture;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view wanted = argc == 2 ? argv[1] : "";
  sim::timeline picture;
  if (wanted == "demo") {
    picture = demo();
  } else if (wanted == "large") {
    picture = large();
  } else if (wanted == "hostile") {
    picture = hostile();
  } else if (wanted != "empty") {
    std::fputs("usage: timeline_samples demo|large|hostile|empty\n", stderr);
    return 2;
  }
  const std::string page = sim::render_timeline(picture);
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
