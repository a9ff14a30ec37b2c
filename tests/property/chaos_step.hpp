// One thing that happens to a supervised cluster, as a plain value: what, to whom, and which of the variants. Small
// values are the harmless ones, so that shrinking leads to the simplest history.
#pragma once

#include <fmt/format.h>
#include <rapidcheck.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string_view>

#include "hale/base/time.hpp"

namespace hale::test {

enum class verb : std::uint8_t {
  pass,         ///< time passes
  start,        ///< commands, to an instance or a service
  restart,
  stop,
  heartbeat,    ///< observations
  request_ok,
  request_failed,
  print,
  answer,       ///< how it answers from now on, also in later incarnations
  exit,         ///< its process ends
  grow,         ///< the memory it uses
  spawning,     ///< how its spawns go from now on
  ignore_term,  ///< toggled, also for later incarnations
  stranger,     ///< on its port: another process comes or goes
  fifty_restarts,
  unkillable,   ///< toggled, of the process that lives now
  oversleep,    ///< the supervisor does not run for a while
};

struct chaos_step {
  verb what = verb::pass;
  std::uint8_t whom = 0;
  std::uint8_t how = 0;
};

inline constexpr std::array verb_names = std::to_array<std::string_view>(
    {"pass", "start", "restart", "stop", "heartbeat", "request_ok", "request_failed", "print", "answer", "exit", "grow",
     "spawning", "ignore_term", "stranger", "fifty_restarts", "unkillable", "oversleep"});

inline duration passing(std::uint8_t how) {
  using namespace std::chrono_literals;
  constexpr std::array times = std::to_array<duration>(
      {1ms, 20ms, 100ms, 500ms, 999ms, 1s, 1001ms, 2s, 3s, 5s, 5s + 1ns, 7s, 10s, 20s, 35s, 61s});
  return times[how % times.size()];
}

inline void showValue(const chaos_step& step, std::ostream& out) {
  out << "\n  " << verb_names[static_cast<std::size_t>(step.what)];
  if (step.what == verb::pass) {
    out << ' ' << passing(step.how).count() / 1'000'000 << " ms";
  } else {
    out << " whom " << int{step.whom} << " how " << int{step.how};
  }
}

inline rc::Gen<chaos_step> any_chaos_step() {
  using enum verb;
  static constexpr std::array choices = std::to_array<verb>(
      {pass,  pass,   pass,   pass,   pass,   pass,      pass,     pass,        start,    start,          restart,
       restart, stop, stop,   heartbeat, heartbeat, request_ok, request_failed, print,    answer,         answer,
       answer, exit,  exit,   exit,   exit,   grow,      spawning, ignore_term, stranger, stranger,       stranger,
       fifty_restarts, unkillable, oversleep});
  return rc::gen::map(rc::gen::tuple(rc::gen::inRange<std::size_t>(0, choices.size()),
                                     rc::gen::inRange<std::uint8_t>(0, 16), rc::gen::inRange<std::uint8_t>(0, 16)),
                      [](const std::tuple<std::size_t, std::uint8_t, std::uint8_t>& drawn) {
                        return chaos_step{choices[std::get<0>(drawn)], std::get<1>(drawn), std::get<2>(drawn)};
                      });
}

}  // namespace hale::test
