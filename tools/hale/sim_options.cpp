#include "sim_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "hale/base/text.hpp"

namespace hale::cli {
namespace {

constexpr duration longest = std::chrono::hours(24 * 365 * 100);
constexpr std::uint64_t most_seeds = 1'000'000'000;

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find(at, from), text.size());
    parts.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

template <class T>
using parsed = result<T, std::string>;

template <class T>
parsed<T> wrong(std::string why) {
  return parsed<T>::failure(std::move(why));
}

std::string duration_text(duration value) {
  std::string text = format_duration(value);
  const auto back = parse_duration(text);
  return back && *back == value ? text : fmt::format("{}us", value / std::chrono::microseconds(1));
}

std::string faults_text(const std::vector<sim::fault_kind>& faults) {
  if (faults.empty()) return "none";
  std::string text;
  for (const sim::fault_kind kind : faults) text += (text.empty() ? "" : ",") + std::string(sim::describe(kind).name);
  return text;
}

std::string unknown_fault(std::string_view typed) {
  std::vector<std::string_view> names = {"none"};
  for (const auto& known : sim::fault_catalogue()) names.push_back(known.name);
  const std::string_view near = nearest_name(typed, names);
  return near.empty() ? fmt::format("--faults: there is no fault '{}'; `hale sim --faults help` lists them", typed)
                      : fmt::format("--faults: there is no fault '{}'; did you mean `{}`?", typed, near);
}

/// Takes `parse`'s value, or its error.
template <class T, class Parse>
std::optional<std::string> take(std::optional<T>& into, Parse parse, std::string_view text) {
  auto value = parse(text);
  if (!value) return value.error();
  into = std::move(*value);
  return std::nullopt;
}

}  // namespace

result<std::uint64_t, std::string> parse_seed(std::string_view text) {
  const auto value = whole_number<std::uint64_t>(text);
  if (!value) return wrong<std::uint64_t>(fmt::format("--seed takes a whole number, not '{}'", text));
  return *value;
}

result<std::uint64_t, std::string> parse_seed_count(std::string_view text) {
  const auto value = whole_number<std::uint64_t>(text);
  if (!value || *value == 0 || *value > most_seeds) {
    return wrong<std::uint64_t>(fmt::format("--seeds takes how many runs to make, from 1 on, not '{}'", text));
  }
  return *value;
}

result<duration, std::string> parse_length(std::string_view text) {
  const auto value = parse_duration(text);
  if (!value) return wrong<duration>(fmt::format("--duration: '{}' is no duration; write 90s, 1h or 30d", text));
  const duration length = *value / std::chrono::microseconds(1) * std::chrono::microseconds(1);
  if (length <= duration::zero()) return wrong<duration>("--duration: nothing happens in no time; write 90s or 30d");
  if (length > longest) return wrong<duration>(fmt::format("--duration: '{}' is more than a hundred years", text));
  return length;
}

result<std::uint32_t, std::string> parse_quiet_after(std::string_view text) {
  const std::string_view digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
  const auto value = whole_number<std::uint32_t>(digits);
  if (!value || *value < 1 || *value > 99) {
    return wrong<std::uint32_t>(fmt::format("--quiet-after takes 1% to 99% of the duration, not '{}'", text));
  }
  return *value;
}

result<std::vector<sim::fault_kind>, std::string> parse_faults(std::string_view text) {
  std::vector<sim::fault_kind> kinds;
  if (text == "none") return kinds;
  for (const std::string_view name : split(text, ',')) {
    if (name == "none") return wrong<std::vector<sim::fault_kind>>("--faults: 'none' stands alone");
    const auto kind = sim::fault_from_name(name);
    if (!kind) return wrong<std::vector<sim::fault_kind>>(unknown_fault(name));
    kinds.push_back(*kind);
  }
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  return kinds;
}

std::string to_text(const sim_options& of) {
  std::string text;
  const auto add = [&](std::string_view option, const std::string& value) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", option, value);
  };
  if (of.seed) add("--seed", std::to_string(*of.seed));
  if (of.length) add("--duration", duration_text(*of.length));
  if (of.quiet_after_percent) add("--quiet-after", fmt::format("{}%", *of.quiet_after_percent));
  if (of.faults) add("--faults", faults_text(*of.faults));
  return text;
}

result<sim_options, std::string> parse_sim_options(std::string_view text) {
  sim_options made;
  if (text.empty()) return made;
  const std::vector<std::string_view> words = split(text, ' ');
  for (std::size_t at = 0; at < words.size(); at += 2) {
    const std::string_view value = at + 1 < words.size() ? words[at + 1] : std::string_view();
    std::optional<std::string> failed;
    if (words[at] == "--seed") {
      failed = take(made.seed, parse_seed, value);
    } else if (words[at] == "--duration") {
      failed = take(made.length, parse_length, value);
    } else if (words[at] == "--quiet-after") {
      failed = take(made.quiet_after_percent, parse_quiet_after, value);
    } else if (words[at] == "--faults") {
      failed = take(made.faults, parse_faults, value);
    } else {
      failed = fmt::format("'{}' is no option of a run", words[at]);
    }
    if (failed) return wrong<sim_options>(std::move(*failed));
  }
  return made;
}

std::string contradiction(const sim_options& typed, const sim_options& of_tape) {
  const auto differs = [](std::string_view option, const std::string& here, const std::string& there) {
    return fmt::format("{} {}, but the tape was made with {}; leave the option out", option, here, there);
  };
  if (typed.length && of_tape.length && *typed.length != *of_tape.length) {
    return differs("--duration is", duration_text(*typed.length), duration_text(*of_tape.length));
  }
  if (typed.quiet_after_percent && of_tape.quiet_after_percent &&
      *typed.quiet_after_percent != *of_tape.quiet_after_percent) {
    return differs("--quiet-after is", fmt::format("{}%", *typed.quiet_after_percent),
                   fmt::format("{}%", *of_tape.quiet_after_percent));
  }
  if (typed.faults && typed.faults != of_tape.faults) {
    return differs("--faults is", faults_text(*typed.faults),
                   of_tape.faults ? faults_text(*of_tape.faults) : "the default");
  }
  return "";
}

std::string fault_table() {
  std::string text = "Faults, with how often they come on average (for each instance, or the whole machine):\n";
  for (const auto& known : sim::fault_catalogue()) {
    text += fmt::format("  {:<12} {:<20} {}{}\n", known.name,
                        fmt::format("1 in {} min{}", known.per_minute.denominator / known.per_minute.numerator,
                                    known.scope == sim::fault_scope::instance ? "" : ", machine"),
                        known.what, known.by_default ? "" : " (only when named)");
  }
  return text + "Without --faults each run draws which of them it has, and from half to four times as often.\n";
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:%+=@";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace hale::cli
