// Two machines and a hand that acts on them, for tests of the simulated world.
#pragma once

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hale/async/trigger.hpp"
#include "hale/sim/world/machine.hpp"

namespace hale::sim::test {

struct bed {
  explicit bed(machine_options here_is = {}, std::uint64_t seed = 1)
      : driver(seed), here(time, net, record, std::move(here_is)), there(time, net, record, named("there")) {}
  static machine_options named(std::string name) {
    machine_options options;
    options.name = std::move(name);
    return options;
  }

  void run_for(duration wait) { time.run_until(time.now() + wait); }
  /// Runs `body` in steps of the hand's own until it has ended.
  template <class T>
  T run(task<T> body) {
    std::optional<T> result;
    hand.start(keep(std::move(body), result, time));
    time.run_until(time.now() + std::chrono::hours(1));
    if (!result) BOOST_FAIL("it did not end within an hour");
    return std::move(*result);
  }
  template <class T>
  static task<void> keep(task<T> body, std::optional<T>& into, scheduler& halts) {
    T result = co_await std::move(body);
    into.emplace(std::move(result));
    halts.halt();
  }
  deadline in(duration wait) const { return here.clock().after(wait); }

  static process_spec named_spec(std::string name, std::uint64_t memory_limit_bytes = 0) {
    process_spec spec;
    spec.name = std::move(name);
    spec.argv = {"program"};
    spec.memory_limit_bytes = memory_limit_bytes;
    return spec;
  }
  std::shared_ptr<simulated_process> start(program body, std::uint64_t memory_limit_bytes = 0) {
    return here.spawn(named_spec("test", memory_limit_bytes), std::move(body));
  }

  seed_driver driver;
  choices chance{driver};
  trace steps;
  scheduler time{chance, steps};
  fabric net{time};
  truth record;
  machine here;
  machine there;
  node& hand{time.add_node("hand", &here.clock())};
};

inline task<int> wait_for_ever() {
  trigger never;
  co_await never.wait();
  co_return 0;
}
inline program idler() {
  return [](simulated_process&) { return wait_for_ever(); };
}

inline task<int> leave(simulated_process& self, duration after, int code) {
  co_await self.clock().sleep_for(after);
  co_return code;
}
inline program leaver(duration after, int code) {
  return [=](simulated_process& self) { return leave(self, after, code); };
}

inline task<int> count(simulated_process& self, int& ticks) {
  for (;;) {
    co_await self.clock().sleep_for(std::chrono::milliseconds(10));
    ++ticks;
  }
}
/// Counts every 10 ms of its life.
inline program counter(int& ticks) {
  return [&ticks](simulated_process& self) { return count(self, ticks); };
}

inline task<int> take(simulated_process& self, std::uint64_t bytes) {
  co_await self.allocate(bytes);
  trigger never;
  co_await never.wait();
  co_return 0;
}
/// Has so much memory for as long as it lives.
inline program holder(std::uint64_t bytes) {
  return [=](simulated_process& self) { return take(self, bytes); };
}

/// Nobody asked, or everybody: what ended it.
inline bool died_of(const simulated_process& which, int signal) {
  if (which.alive()) return false;
  const auto* how = std::get_if<signalled>(&which.status());
  return how != nullptr && how->signal == signal;
}
inline bool left_with(const simulated_process& which, int code) {
  return !which.alive() && which.status() == exit_status(exited{code});
}

}  // namespace hale::sim::test
