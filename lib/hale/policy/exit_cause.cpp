#include "hale/policy/exit_cause.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace hale {
namespace {

// The numbers of Linux on every architecture that hale runs on: what a record of another machine holds means the same.
struct named_signal {
  int number;
  std::string_view name;
};
constexpr std::array signal_names = std::to_array<named_signal>({
    {1, "SIGHUP"},
    {2, "SIGINT"},
    {3, "SIGQUIT"},
    {4, "SIGILL"},
    {5, "SIGTRAP"},
    {6, "SIGABRT"},
    {7, "SIGBUS"},
    {8, "SIGFPE"},
    {9, "SIGKILL"},
    {10, "SIGUSR1"},
    {11, "SIGSEGV"},
    {12, "SIGUSR2"},
    {13, "SIGPIPE"},
    {14, "SIGALRM"},
    {15, "SIGTERM"},
    {24, "SIGXCPU"},
    {25, "SIGXFSZ"},
    {31, "SIGSYS"},
});

constexpr bool is_crash(int signal) { return signal == 4 || signal == 6 || signal == 7 || signal == 8 || signal == 11; }

/// The signal that a shell, or a runtime that behaves like one, passes on as 128 + n; 0 if the code means no such
/// thing.
constexpr int passed_on_signal(int code) {
  const int signal = code - 128;
  const bool usual = is_crash(signal) || signal == 2 || signal == 3 || signal == 9 || signal == 15;
  return usual ? signal : 0;
}

bool is_clean(const exit_status& status) {
  const auto* by_itself = std::get_if<exited>(&status);
  return by_itself != nullptr && by_itself->code == 0;
}

/// "exited with code 1", "killed by SIGSEGV (core dumped)".
std::string manner(const exit_status& status) {
  if (const auto* by_itself = std::get_if<exited>(&status)) {
    const int signal = passed_on_signal(by_itself->code);
    if (signal != 0) return fmt::format("exited with code {} (128 + {})", by_itself->code, signal_name(signal));
    return fmt::format("exited with code {}", by_itself->code);
  }
  if (const auto* by_signal = std::get_if<signalled>(&status)) {
    return fmt::format("killed by {}{}", signal_name(by_signal->signal),
                       by_signal->core_dumped ? " (core dumped)" : "");
  }
  return "gone, and the kernel does not tell how";
}

std::string manner_and_moment(const exit_evidence& evidence) {
  return manner(evidence.status) + (evidence.was_starting ? " before it was ready" : "");
}

const signature* signature_of(const exit_evidence& evidence) {
  return evidence.signature ? evidence.signature->what : nullptr;
}

bool is_specific(const signature& what) { return !what.generic_trailer && !what.vague; }

/// A hold is for ever, so it wants more than a word that harmless lines hold too: what has served was not
/// misconfigured, and what refuses its configuration exits by itself. Those are tried once more.
restart_class class_of(const signature& what, bool was_starting, bool by_itself) {
  if (what.restart == restart_class::none) return restart_class::restart;
  if (what.restart != restart_class::hold) return what.restart;
  const bool worked = !was_starting && what.cause != cause::resource_exhausted;
  const bool doubtful = what.vague && !by_itself;
  return worked || doubtful ? restart_class::once : restart_class::hold;
}

exit_verdict by_signature(const exit_evidence& evidence) {
  const signature_match& match = *evidence.signature;
  return {match.what->cause, fmt::format("{}: {}; {}", match.what->hint, match.line, manner_and_moment(evidence)),
          class_of(*match.what, evidence.was_starting, std::holds_alternative<exited>(evidence.status))};
}

/// A person's or a rollout's wish says nothing about the process; a verdict about its health leaves its log to say what
/// the next start will meet.
exit_verdict by_own_action(const exit_evidence& evidence) {
  const cause why = *evidence.own_action;
  const bool was_sick = why != cause::operator_request && why != cause::rollout && why != cause::dependency_lost;
  return {why, fmt::format("stopped by hale ({}): {}", to_string(why), manner(evidence.status)),
          was_sick ? restart_of_sick(evidence.signature, evidence.was_starting) : restart_class::restart};
}

exit_verdict by_kernel(const exit_evidence& evidence) {
  return {cause::oom_killed,
          fmt::format("the kernel's OOM killer ended {} of its processes; {}", evidence.oom_kills,
                      manner_and_moment(evidence)),
          restart_class::restart};
}

exit_verdict by_signal(const exit_evidence& evidence, int signal) {
  return {is_crash(signal) ? cause::crash : cause::killed_by_signal, manner_and_moment(evidence),
          restart_class::restart};
}

exit_verdict by_code(const exit_evidence& evidence, int code) {
  if (code == 0) return {cause::exit_clean, "exited with code 0, and nobody asked for it", restart_class::restart};
  if (code == 126 || code == 127) {
    const char* what = code == 126 ? "a program cannot be executed" : "a program or library was not found";
    return {cause::config_error, fmt::format("{}: {}", what, manner_and_moment(evidence)), restart_class::hold};
  }
  if (const int signal = passed_on_signal(code)) return by_signal(evidence, signal);
  return {cause::exit_error, manner_and_moment(evidence), restart_class::restart};
}

exit_verdict by_status(const exit_evidence& evidence) {
  if (const auto* by_itself = std::get_if<exited>(&evidence.status)) return by_code(evidence, by_itself->code);
  if (const auto* signal = std::get_if<signalled>(&evidence.status)) return by_signal(evidence, signal->signal);
  return {cause::unknown, manner_and_moment(evidence), restart_class::restart};
}

/// Whether a signature says more than a clean exit does: a warning and vague words do not.
bool outweighs_clean_exit(const signature& what) { return !what.vague && what.restart != restart_class::none; }

}  // namespace

std::string signal_name(int number) {
  for (const auto& known : signal_names) {
    if (known.number == number) return std::string(known.name);
  }
  return fmt::format("signal {}", number);
}

exit_verdict classify_exit(const exit_evidence& evidence) {
  if (evidence.own_action) return by_own_action(evidence);
  const signature* logged = signature_of(evidence);
  const bool clean = is_clean(evidence.status);
  if (logged != nullptr && clean && !outweighs_clean_exit(*logged)) logged = nullptr;
  if (logged != nullptr && is_specific(*logged)) return by_signature(evidence);
  if (evidence.oom_kills > 0 && (logged != nullptr || !clean)) return by_kernel(evidence);
  if (logged != nullptr) return by_signature(evidence);
  return by_status(evidence);
}

restart_class restart_of_sick(const std::optional<signature_match>& signature, bool was_starting) noexcept {
  if (!signature || signature->what == nullptr || !is_specific(*signature->what)) return restart_class::restart;
  return class_of(*signature->what, was_starting, false);
}

exit_verdict classify_spawn_error(int error, std::string_view step, std::string_view path) {
  std::string reason = fmt::format("{} failed", step.empty() ? std::string_view("spawn") : step);
  if (!path.empty()) reason += fmt::format(" on {}", path);
  reason += ": " + std::generic_category().message(error);
  switch (error) {
    case ENOENT:
    case EACCES:
    case ENOEXEC:
    case EPERM:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case E2BIG:
    case ELIBBAD: return {cause::exec_failed, std::move(reason), restart_class::hold};
    case EMFILE:
    case ENFILE:
    case ENOSPC: return {cause::resource_exhausted, std::move(reason), restart_class::restart};
    default:  // EAGAIN, ENOMEM, ETXTBSY …: it may pass
      return {cause::exec_failed, std::move(reason), restart_class::restart};
  }
}

}  // namespace hale
