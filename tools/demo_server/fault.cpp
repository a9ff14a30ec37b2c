#include "fault.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>

namespace demo {
namespace {

struct fault_name {
  std::string_view name;
  fault_kind kind;
};

constexpr fault_name names[] = {
    {"none", fault_kind::none},
    {"crash", fault_kind::crash},
    {"abort", fault_kind::abort},
    {"exit", fault_kind::exit},
    {"kill", fault_kind::kill},
    {"stop", fault_kind::stop},
    {"hang", fault_kind::hang},
    {"spin", fault_kind::spin},
    {"leak", fault_kind::leak},
    {"oom", fault_kind::oom},
    {"grandchild", fault_kind::grandchild},
    {"mute", fault_kind::mute},
    {"deaf", fault_kind::deaf},
    {"log", fault_kind::log},
    {"garbage", fault_kind::garbage},
    {"drip", fault_kind::drip},
    {"endless_headers", fault_kind::endless_headers},
    {"huge", fault_kind::huge},
    {"early_close", fault_kind::early_close},
    {"reset", fault_kind::reset},
    {"silent", fault_kind::silent},
    {"slow", fault_kind::slow},
    {"loading", fault_kind::loading},
    {"not_found", fault_kind::not_found},
    {"unauthorized", fault_kind::unauthorized},
    {"error", fault_kind::error},
    {"wedge", fault_kind::wedge},
    {"wrong_answer", fault_kind::wrong_answer},
};

fault_kind kind_of(std::string_view name) {
  for (const fault_name& candidate : names)
    if (candidate.name == name) return candidate.kind;
  return fault_kind::unknown;
}

bool parse_argument(std::string_view text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string url_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    if (escape) {
      result += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::uint64_t available_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    std::uint64_t kib = 0;
    if (word == "MemAvailable:" && file >> kib) return kib * 1024;
  }
  return 0;
}

/// Where no cgroup sets a limit after all, the kernel shall take us and not a bystander.
void offer_to_the_oom_killer() {
  std::ofstream("/proc/self/oom_score_adj") << 1000;
}

}  // namespace

fault parse_fault(std::string_view text) {
  const std::size_t question = text.find('?');
  fault result;
  std::string_view name = text.substr(0, question);
  if (name.starts_with("exit") && name.size() > 4) {
    if (!parse_argument(name.substr(4), result.number)) return {fault_kind::unknown, -1, {}};
    name = "exit";
  }
  result.kind = kind_of(name);
  if (question == std::string_view::npos) return result;
  const std::string_view argument = text.substr(question + 1);
  const std::string_view value = argument.substr(std::min(argument.find('=') + 1, argument.size()));
  if (result.kind == fault_kind::log) {
    result.text = url_decoded(value);
  } else if (!parse_argument(value, result.number)) {
    result.kind = fault_kind::unknown;
  }
  return result;
}

void take_memory(std::uint64_t bytes) {
  if (bytes == 0) return;
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::memset(memory, 1, bytes);
}

void run_out_of_memory(std::uint64_t bound_bytes) {
  constexpr std::uint64_t step_bytes = 16 << 20;
  offer_to_the_oom_killer();
  const std::uint64_t bound = std::min(bound_bytes, available_memory_bytes() / 2);
  for (std::uint64_t taken = 0; taken < bound; taken += step_bytes) take_memory(step_bytes);
  throw std::bad_alloc();
}

void hang_asleep() {
  for (;;) ::pause();
}

void hang_spinning() {
  for (volatile bool spinning = true; spinning;) {
  }
  std::abort();
}

void leave_grandchild() {
  if (::fork() != 0) return;
  ::setsid();
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::sleep(120);
  ::_exit(0);
}

}  // namespace demo
