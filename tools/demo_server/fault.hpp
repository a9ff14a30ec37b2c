// The ways in which the demo model server can fail, and those of them that befall the whole process.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace demo {

enum class fault_kind {
  unknown,
  none,
  // of the process
  crash, abort, exit, kill, stop, hang, spin, leak, oom, grandchild, mute, deaf, log,
  // of its answers
  garbage, drip, endless_headers, huge, early_close, reset, silent, slow, loading, not_found, unauthorized, error,
  // of the model behind them
  wedge, wrong_answer,
};

/// A fault with its argument: `exit 3`, `leak 64` (MiB), `slow 500` (ms), `log TEXT`.
struct fault {
  fault_kind kind = fault_kind::none;
  std::int64_t number = -1;  ///< -1: not given
  std::string text;
};

struct scheduled_fault {
  fault what;
  std::chrono::milliseconds at;
};

/// "crash", "exit3", "exit?code=3", "leak?mb=64", "slow?ms=500", "log?text=no+space"; kind unknown if it is none.
fault parse_fault(std::string_view text);

constexpr bool is_of_answers(fault_kind kind) { return kind >= fault_kind::garbage && kind <= fault_kind::error; }
constexpr bool is_of_model(fault_kind kind) { return kind == fault_kind::wedge || kind == fault_kind::wrong_answer; }

/// Adds `bytes` of touched memory to the process, which keeps it.
void take_memory(std::uint64_t bytes);

/// Takes memory until the kernel kills the process; at `bound_bytes`, or when half of the machine's free memory is
/// gone, it throws std::bad_alloc instead, so that a missing limit does not harm the machine.
[[noreturn]] void run_out_of_memory(std::uint64_t bound_bytes);

/// Blocks the whole event loop for good: asleep, or at full load.
[[noreturn]] void hang_asleep();
[[noreturn]] void hang_spinning();

/// A process in a session of its own that ignores SIGTERM and keeps every descriptor open. It ends by itself after two
/// minutes, in case nobody finds it.
void leave_grandchild();

}  // namespace demo
