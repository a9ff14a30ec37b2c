#include "hale/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "hale/base/error.hpp"

namespace hale {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t scale;
};

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t minute_ns = 60 * second_ns;
constexpr std::uint64_t hour_ns = 60 * minute_ns;
constexpr std::uint64_t day_ns = 24 * hour_ns;

// From the largest to the smallest: a duration names each at most once, and in this order.
constexpr std::array<unit, 8> duration_units = {{{"d", day_ns},
                                                 {"h", hour_ns},
                                                 {"m", minute_ns},
                                                 {"s", second_ns},
                                                 {"ms", 1'000'000},
                                                 {"us", 1'000},
                                                 {"\u00b5s", 1'000},
                                                 {"ns", 1}}};

constexpr std::array<unit, 9> size_units = {{{"B", 1},
                                             {"KiB", 1ull << 10},
                                             {"MiB", 1ull << 20},
                                             {"GiB", 1ull << 30},
                                             {"TiB", 1ull << 40},
                                             {"KB", 1'000},
                                             {"MB", 1'000'000},
                                             {"GB", 1'000'000'000},
                                             {"TB", 1'000'000'000'000}}};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the front of `text`, taken off it.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

// `0.digits * scale`, rounded down. REQUIRES: at most six digits, so that nothing overflows for a scale up to 2^43.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t scale) {
  std::uint64_t power = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) power *= 10;
  return number(digits).value_or(0) * scale / power;
}

// The same without a bound on the digits; nothing if it is not a whole number of the scale's smallest parts.
std::optional<std::uint64_t> exact_fraction_of(std::string_view digits, std::uint64_t scale) {
  std::uint64_t sum = 0;
  for (const char c : digits) {
    if (c == '0') {
      scale /= 10;
      continue;
    }
    if (scale % 10 != 0) return std::nullopt;
    scale /= 10;
    sum += static_cast<std::uint64_t>(c - '0') * scale;
  }
  return sum;
}

struct quantity {
  std::string_view whole;
  std::string_view fraction;
  bool has_fraction = false;
  std::string_view unit_name;
};

// "1.5GiB…" → 1, 5, GiB; the unit goes on up to the next digit.
std::optional<quantity> take_quantity(std::string_view& text) {
  quantity taken;
  taken.whole = take_digits(text);
  if (taken.whole.empty()) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    taken.has_fraction = true;
    taken.fraction = take_digits(text);
    if (taken.fraction.empty()) return std::nullopt;
  }
  const auto end = std::find_if(text.begin(), text.end(), is_digit);
  taken.unit_name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.unit_name.size());
  return taken;
}

std::optional<std::uint64_t> scaled(std::string_view whole, std::uint64_t scale, std::uint64_t fraction) {
  std::optional<std::uint64_t> value = number(whole);
  if (!value) return std::nullopt;
  if (__builtin_mul_overflow(*value, scale, &*value)) return std::nullopt;
  if (__builtin_add_overflow(*value, fraction, &*value)) return std::nullopt;
  return value;
}

// `value / scale` with at most `decimals` decimals, cut off, without trailing zeros.
std::string decimal(std::uint64_t value, std::uint64_t scale, unsigned decimals) {
  std::string text = fmt::format("{}", value / scale);
  std::string tail;
  std::uint64_t rest = value % scale;
  for (unsigned i = 0; i < decimals && rest != 0; ++i) {
    rest *= 10;
    tail += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
  while (tail.ends_with('0')) tail.pop_back();
  if (!tail.empty()) text += "." + tail;
  return text;
}

std::string format_below_a_minute(std::uint64_t ns) {
  if (ns < 1'000) return fmt::format("{}ns", ns);
  if (ns < 1'000'000) return decimal(ns, 1'000, 3) + "us";
  if (ns < second_ns) return decimal(ns, 1'000'000, 3) + "ms";
  return decimal(ns, second_ns, 3) + "s";
}

// Two digits at the front, as a number no greater than `most`.
std::optional<unsigned> take_two(std::string_view& text, unsigned most) {
  if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  const unsigned value = static_cast<unsigned>(text[0] - '0') * 10 + static_cast<unsigned>(text[1] - '0');
  text.remove_prefix(2);
  if (value > most) return std::nullopt;
  return value;
}

bool take_one_of(std::string_view& text, std::string_view choices) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> take_date(std::string_view& text) {
  const auto century = take_two(text, 99);
  if (!century) return std::nullopt;
  const auto year = take_two(text, 99);
  if (!year || !take_one_of(text, "-")) return std::nullopt;
  const auto month = take_two(text, 12);
  if (!month || !take_one_of(text, "-")) return std::nullopt;
  const auto day = take_two(text, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*century * 100 + *year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<std::int64_t> take_time_of_day(std::string_view& text) {
  const auto hour = take_two(text, 23);
  if (!hour || !take_one_of(text, ":")) return std::nullopt;
  const auto minute = take_two(text, 59);
  if (!minute || !take_one_of(text, ":")) return std::nullopt;
  const auto second = take_two(text, 59);
  if (!second) return std::nullopt;
  return static_cast<std::int64_t>(*hour) * 3600 + static_cast<std::int64_t>(*minute) * 60 + *second;
}

// Seconds east of Greenwich: "Z", "+02:00".
std::optional<std::int64_t> take_offset(std::string_view& text) {
  if (take_one_of(text, "Zz")) return 0;
  const bool west = text.starts_with('-');
  if (!take_one_of(text, "+-")) return std::nullopt;
  const auto hour = take_two(text, 23);
  if (!hour || !take_one_of(text, ":")) return std::nullopt;
  const auto minute = take_two(text, 59);
  if (!minute) return std::nullopt;
  const std::int64_t east = static_cast<std::int64_t>(*hour) * 3600 + static_cast<std::int64_t>(*minute) * 60;
  return west ? -east : east;
}

constexpr std::size_t longest_name = 64;

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Insertions, deletions, substitutions and swaps of neighbours; letters of either case are the same.
// REQUIRES: both at most longest_name long.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using row = std::array<std::size_t, longest_name + 1>;
  row before_last{};
  row last{};
  row current{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t differs = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + differs});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

}  // namespace

result<duration> parse_duration(std::string_view text) noexcept {
  if (text.empty()) return errc::malformed;
  std::uint64_t sum = 0;
  std::uint64_t last_scale = std::numeric_limits<std::uint64_t>::max();
  while (!text.empty()) {
    const auto part = take_quantity(text);
    if (!part) return errc::malformed;
    const auto* found = std::find_if(duration_units.begin(), duration_units.end(),
                                     [&](const unit& u) { return u.name == part->unit_name; });
    if (found == duration_units.end() || found->scale >= last_scale) return errc::malformed;
    last_scale = found->scale;
    const auto fraction = exact_fraction_of(part->fraction, found->scale);
    if (!fraction) return errc::malformed;
    const auto value = scaled(part->whole, found->scale, *fraction);
    if (!value || __builtin_add_overflow(sum, *value, &sum)) return errc::malformed;
  }
  if (sum > static_cast<std::uint64_t>(duration::max().count())) return errc::malformed;
  return duration(static_cast<std::int64_t>(sum));
}

std::string format_duration(duration value) {
  const bool negative = value < duration::zero();
  const auto count = static_cast<std::uint64_t>(value.count());
  const std::uint64_t ns = negative ? std::uint64_t{0} - count : count;
  std::string text = negative ? "-" : "";
  if (ns == 0) return "0s";
  if (ns < minute_ns) return text + format_below_a_minute(ns);

  // Up to two parts that are not zero; seconds keep their decimals only beside minutes, where they still matter.
  unsigned parts = 0;
  std::uint64_t rest = ns;
  for (const unit& u : std::array<unit, 3>{{{"d", day_ns}, {"h", hour_ns}, {"m", minute_ns}}}) {
    if (rest < u.scale || parts == 2) continue;
    text += fmt::format("{}{}", rest / u.scale, u.name);
    rest %= u.scale;
    ++parts;
  }
  const std::string seconds = decimal(rest, second_ns, ns < hour_ns ? 3 : 0);
  if (parts < 2 && seconds != "0") text += seconds + "s";
  return text;
}

result<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto part = take_quantity(text);
  if (!part || !text.empty() || part->fraction.size() > 6) return errc::malformed;
  const auto* found = std::find_if(size_units.begin(), size_units.end(),
                                   [&](const unit& u) { return u.name == part->unit_name; });
  if (found == size_units.end() || (part->has_fraction && found->scale == 1)) return errc::malformed;
  const auto bytes = scaled(part->whole, found->scale, fraction_of(part->fraction, found->scale));
  if (!bytes) return errc::malformed;
  return *bytes;
}

std::string format_size(std::uint64_t bytes) {
  for (std::size_t i = 4; i > 0; --i) {
    if (bytes >= size_units[i].scale) {
      return fmt::format("{}{}", decimal(bytes, size_units[i].scale, 2), size_units[i].name);
    }
  }
  return fmt::format("{}B", bytes);
}

std::string to_rfc3339(wall_time at) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(since_epoch);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  const std::chrono::hh_mm_ss time(since_epoch - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

result<wall_time> parse_rfc3339(std::string_view text) noexcept {
  const auto days = take_date(text);
  if (!days || !take_one_of(text, "Tt ")) return errc::malformed;
  const auto time = take_time_of_day(text);
  if (!time) return errc::malformed;
  std::uint64_t fraction_ns = 0;
  if (take_one_of(text, ".")) {
    const std::string_view digits = take_digits(text);
    if (digits.empty()) return errc::malformed;
    // Nine digits are nanoseconds; finer ones are cut off.
    fraction_ns = exact_fraction_of(digits.substr(0, 9), second_ns).value_or(0);
  }
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return errc::malformed;

  const std::int64_t seconds = *days * 86400 + *time - *offset;
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, static_cast<std::int64_t>(second_ns), &ns)) return errc::malformed;
  if (__builtin_add_overflow(ns, static_cast<std::int64_t>(fraction_ns), &ns)) return errc::malformed;
  return wall_time(duration(ns));
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) noexcept {
  if (name.empty() || name.size() > longest_name) return {};
  std::string_view best;
  std::size_t best_distance = longest_name;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > longest_name) continue;
    const std::size_t longer = std::max(name.size(), candidate.size());
    const std::size_t distance = edit_distance(name, candidate);
    if (distance <= longer / 3 && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace hale
