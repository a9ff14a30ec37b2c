#include "hale/sim/run/report_text.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "hale/base/text.hpp"
#include "hale/sim/oracle/all_oracles.hpp"

namespace hale::sim {
namespace {

constexpr std::size_t widest = 100;
constexpr std::size_t indent = 16;
constexpr std::size_t most_failures = 20;

std::string line(std::string_view name, std::string_view text) { return fmt::format("  {:<14}{}\n", name, text); }

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// Words after a name, broken into lines below each other.
std::string paragraph(std::string_view name, const std::vector<std::string>& words) {
  std::string text;
  std::string row;
  for (const std::string& word : words) {
    if (!row.empty() && indent + row.size() + 1 + word.size() > widest) {
      text += line(text.empty() ? name : "", row);
      row.clear();
    }
    row += (row.empty() ? "" : " ") + word;
  }
  return text + line(text.empty() ? name : "", row);
}

std::string head(const run_summary& of) {
  std::string source = of.tape.empty() ? "" : fmt::format("tape {}", of.tape);
  if (!of.tape.empty() && of.seed) source += fmt::format(" of seed {}", *of.seed);
  if (of.tape.empty() && of.seed) {
    source = of.wanted == 1 ? fmt::format("seed {}", *of.seed)
                            : fmt::format("seeds {} to {}", *of.seed, *of.seed + of.wanted - 1);
  }
  std::string runs = of.wanted == 1 ? "" : fmt::format(", {}", plural(of.runs, "run"));
  if (of.interrupted) runs += fmt::format(" of {}, then interrupted", of.wanted);
  return fmt::format("cluster {}, {}, {}{}: {} simulated\n", of.cluster, plural(of.instances, "instance"), source, runs,
                     format_duration(of.simulated / std::chrono::seconds(1) * std::chrono::seconds(1)));
}

std::string times(std::string_view name, const std::vector<duration>& ascending) {
  if (ascending.empty()) return line(name, "-");
  return line(name, fmt::format("p50 {}, p99 {} ({})", format_duration(percentile(ascending, 50)),
                                format_duration(percentile(ascending, 99)), plural(ascending.size(), "time")));
}

std::string faults(const run_summary& of) {
  if (of.faults.empty()) return line("faults", "none");
  std::vector<std::string> words;
  for (const fault_count& one : of.faults) {
    words.push_back(fmt::format("{} {}{}", describe(one.kind).name, one.count, &one == &of.faults.back() ? "" : ","));
  }
  return paragraph("faults", words);
}

std::string oracles(const run_summary& of) {
  std::string text;
  std::vector<std::string> idle;
  for (const oracle_count& one : of.oracles) {
    const auto broken = std::count_if(of.failures.begin(), of.failures.end(),
                                      [&](const run_failure& failed) { return failed.number == one.number; });
    if (one.premises == 0 && broken == 0) {
      idle.push_back(one.name);
      continue;
    }
    const std::string verdict =
        broken == 0 ? "held" : fmt::format("FAILED in {}", plural(static_cast<std::uint64_t>(broken), "run"));
    text += line(text.empty() ? "oracles" : "", fmt::format("{:>2} {:<34} {}, judged {}", one.number, one.name, verdict,
                                                            plural(one.premises, "time")));
  }
  if (text.empty()) text = line("oracles", "none had anything to judge");
  if (!idle.empty()) text += paragraph("never judged", idle);
  std::vector<std::string> waiting;
  for (const pending_oracle& one : pending_oracles()) waiting.emplace_back(one.name);
  if (!waiting.empty()) text += paragraph("not there yet", waiting);
  return text;
}

std::string failure(const run_summary& of, const run_failure& one) {
  const std::string when = one.at ? fmt::format(" at {}", format_duration(*one.at)) : "";
  const std::string which = one.number == 0 ? one.name : fmt::format("oracle {} {}", one.number, one.name);
  std::string text = of.seed ? fmt::format("FAILED: seed {}: {}{}\n", one.seed, which, when)
                             : fmt::format("FAILED: {}{}\n", which, when);
  text += line("", one.what);
  if (!one.tape.empty()) {
    const std::string how = one.shrink_runs == 0 ? "" : fmt::format(", shrunk in {}", plural(one.shrink_runs, "run"));
    text += line("tape", fmt::format("{} ({}{})", one.tape, plural(one.tape_choices, "choice"), how));
  }
  if (!one.replay.empty()) text += line("replay", one.replay);
  return text;
}

}  // namespace

std::string report_text(const run_summary& of) {
  std::string text = head(of);
  text += line("availability", fmt::format("{}.{:04} %", of.availability_ppm / 10'000, of.availability_ppm % 10'000));
  text += times("to detect", of.detections);
  text += times("to recover", of.recoveries);
  text += line("restarts", fmt::format("{}", of.restarts));
  text += line("alerts", fmt::format("{}", of.alerts));
  text += faults(of);
  text += oracles(of);
  for (std::size_t at = 0; at < std::min(most_failures, of.failures.size()); ++at) text += failure(of, of.failures[at]);
  if (of.failures.size() > most_failures) {
    text += fmt::format("… and {} more; --json lists them all\n", of.failures.size() - most_failures);
  }
  if (of.wanted > 1) {
    const std::uint64_t failed = of.failures.size();
    text += failed == 0 ? fmt::format("{}, all clean\n", plural(of.runs, "run"))
                        : fmt::format("{} of {} failed\n", failed, plural(of.runs, "run"));
  } else if (of.trace) {
    if (of.failures.empty()) text += "clean\n";
    text += fmt::format("trace {:016x}\n", *of.trace);
  }
  return text;
}

}  // namespace hale::sim
