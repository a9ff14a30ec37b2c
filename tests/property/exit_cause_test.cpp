// The verdict on an exit against the order of the evidence (behaviour, section 5): our own signal, a specific log line,
// the kernel's evidence, a vague or generic line, the signal, the code.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>
#include <optional>
#include <set>
#include <vector>

#include "hale/policy/exit_cause.hpp"

namespace {

using hale::cause;
using hale::restart_class;

hale::exit_status any_status() {
  switch (*rc::gen::inRange(0, 4)) {
    case 0: return hale::exited{0};
    case 1: return hale::exited{*rc::gen::weightedOneOf<int>({{2, rc::gen::inRange(1, 4)},
                                                              {2, rc::gen::inRange(124, 146)},
                                                              {1, rc::gen::inRange(0, 256)}})};
    case 2: return hale::signalled{*rc::gen::inRange(1, 65), *rc::gen::arbitrary<bool>()};
    default: return hale::lost{};
  }
}

hale::exit_evidence any_evidence() {
  hale::exit_evidence evidence;
  evidence.status = any_status();
  if (*rc::gen::inRange(0, 6) == 5) {
    evidence.own_action = *rc::gen::element(cause::operator_request, cause::rollout, cause::hung, cause::memory_limit,
                                            cause::dependency_lost);
  }
  const auto all = hale::signatures();
  const auto row = *rc::gen::inRange<std::size_t>(0, 2 * all.size());
  if (row < all.size()) evidence.signature = hale::signature_match{&all[row], "the line"};
  evidence.oom_kills = *rc::gen::weightedElement<std::uint64_t>({{3, 0}, {1, 1}, {1, 7}});
  evidence.was_starting = *rc::gen::arbitrary<bool>();
  return evidence;
}

/// -1 where the process did not end by its own exit.
int code_of(const hale::exit_status& status) {
  const auto* ended = std::get_if<hale::exited>(&status);
  return ended == nullptr ? -1 : ended->code;
}

/// The signal that ended it, also where only a shell passed it on; 0: none.
int signal_of(const hale::exit_status& status) {
  if (const auto* killed = std::get_if<hale::signalled>(&status)) return killed->signal;
  static const std::set<int> passed_on = {2, 3, 4, 6, 7, 8, 9, 11, 15};
  return passed_on.contains(code_of(status) - 128) ? code_of(status) - 128 : 0;
}

cause by_status(const hale::exit_status& status) {
  static const std::set<int> crashes = {4, 6, 7, 8, 11};
  const int code = code_of(status);
  if (const int signal = signal_of(status)) {
    return crashes.contains(signal) ? cause::crash : cause::killed_by_signal;
  }
  if (code < 0) return cause::unknown;
  if (code == 0) return cause::exit_clean;
  return code == 126 || code == 127 ? cause::config_error : cause::exit_error;
}

/// All evidence there is, the most trusted first.
std::vector<cause> ranked(const hale::exit_evidence& evidence) {
  std::vector<cause> order;
  const hale::signature* logged = evidence.signature ? evidence.signature->what : nullptr;
  const bool clean = code_of(evidence.status) == 0;
  // Neither a warning nor words that harmless lines hold make a clean exit anything else; nor does a kill of a mere
  // descendant.
  if (clean && logged != nullptr && (logged->vague || logged->restart == restart_class::none)) logged = nullptr;
  const bool specific = logged != nullptr && !logged->generic_trailer && !logged->vague;
  if (evidence.own_action) order.push_back(*evidence.own_action);
  if (specific) order.push_back(logged->cause);
  if (evidence.oom_kills > 0 && (!clean || logged != nullptr)) order.push_back(cause::oom_killed);
  if (logged != nullptr && !specific) order.push_back(logged->cause);
  order.push_back(by_status(evidence.status));
  return order;
}

}  // namespace

RC_BOOST_PROP(the_most_trusted_evidence_names_the_cause, ()) {
  const auto evidence = any_evidence();
  const auto verdict = hale::classify_exit(evidence);
  RC_ASSERT(verdict.cause == ranked(evidence).front());
  RC_ASSERT(!verdict.reason.empty());
  RC_ASSERT(verdict.reason.find('\n') == std::string::npos);
  RC_ASSERT(verdict.restart != restart_class::none);
}

RC_BOOST_PROP(without_the_kernels_word_nothing_is_out_of_memory_by_the_kernel, ()) {
  auto evidence = any_evidence();
  evidence.oom_kills = 0;
  const bool said_by_a_line = evidence.signature && evidence.signature->what->cause == cause::oom_killed;
  if (!said_by_a_line) RC_ASSERT(hale::classify_exit(evidence).cause != cause::oom_killed);
}

RC_BOOST_PROP(only_what_would_happen_again_is_held, ()) {
  const auto evidence = any_evidence();
  const auto verdict = hale::classify_exit(evidence);
  if (verdict.restart != restart_class::hold) return;
  const bool told_by_code = !evidence.signature || evidence.signature->what->cause != verdict.cause ||
                            evidence.signature->what->restart != restart_class::hold;
  if (told_by_code && !evidence.own_action) {
    RC_ASSERT(code_of(evidence.status) == 126 || code_of(evidence.status) == 127);
    return;
  }
  RC_ASSERT(evidence.signature->what->restart == restart_class::hold);
  RC_ASSERT(evidence.was_starting || evidence.signature->what->cause == cause::resource_exhausted);
  RC_ASSERT(evidence.own_action != cause::operator_request && evidence.own_action != cause::rollout);
}

RC_BOOST_PROP(the_log_decides_for_a_sick_process_only_by_specific_lines, ()) {
  const auto evidence = any_evidence();
  const auto wanted = hale::restart_of_sick(evidence.signature, evidence.was_starting);
  const hale::signature* logged = evidence.signature ? evidence.signature->what : nullptr;
  const bool listens = logged != nullptr && !logged->generic_trailer && !logged->vague;
  if (!listens || logged->restart == restart_class::restart || logged->restart == restart_class::none) {
    RC_ASSERT(wanted == restart_class::restart);
  } else if (logged->restart == restart_class::once) {
    RC_ASSERT(wanted == restart_class::once);
  } else {
    const bool for_ever = evidence.was_starting || logged->cause == cause::resource_exhausted;
    RC_ASSERT(wanted == (for_ever ? restart_class::hold : restart_class::once));
  }
}
