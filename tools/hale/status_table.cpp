#include "status_table.hpp"

#include <fmt/format.h>

#include <chrono>

#include "hale/base/text.hpp"

namespace hale::cli {
namespace {

constexpr std::size_t name_width = 29;
constexpr std::size_t state_width = 9;
constexpr std::size_t health_width = 10;
constexpr std::size_t port_width = 5;
constexpr std::size_t pid_width = 8;
constexpr std::size_t age_width = 7;
constexpr std::size_t restarts_width = 9;

std::string number_or_dash(std::uint64_t value) { return value == 0 ? "-" : fmt::format("{}", value); }

std::string paint_state(const instance_status& one, const palette& colours) {
  const std::string cell = left(to_string(one.state), state_width);
  switch (one.state) {
    case instance_state::serving: return colours.good(cell);
    case instance_state::cooling:
    case instance_state::held: return colours.bad(cell);
    case instance_state::stopped:
    case instance_state::finished: return colours.faint(cell);
    default: return colours.warning(cell);
  }
}

std::string paint_health(const instance_status& one, const palette& colours) {
  const std::string cell = left(one.health ? to_string(*one.health) : "-", health_width);
  if (!one.health) return cell;
  switch (*one.health) {
    case health_status::healthy: return colours.good(cell);
    case health_status::degraded: return colours.warning(cell);
    default: return colours.bad(cell);
  }
}

std::string instance_line(const instance_status& one, const palette& colours) {
  return fmt::format("{} {} {} {}{}{}{}\n", left(one.name, name_width), paint_state(one, colours),
                     paint_health(one, colours), right(number_or_dash(one.port), port_width),
                     right(number_or_dash(static_cast<std::uint64_t>(one.pid)), pid_width),
                     right(one.uptime ? short_duration(*one.uptime) : "-", age_width),
                     right(fmt::format("{}", one.restarts), restarts_width));
}

// Why it is as it is, where something is wrong; what befell it last, where it has recovered.
std::string reason_line(const instance_status& one, const palette& colours) {
  const bool now = one.cause.has_value() || !one.reason.empty();
  const auto why = now ? one.cause : one.last_cause;
  const std::string& reason = now ? one.reason : one.last_reason;
  if (!why && reason.empty()) return "";
  std::string text = why ? std::string(to_string(*why)) : "";
  if (!text.empty() && !reason.empty()) text += ": ";
  text += reason;
  if (!now) text = "last: " + text;
  const std::string cell = fitted(text, table_width - 4);
  return "    " + (now ? colours.warning(cell) : colours.faint(cell)) + "\n";
}

std::string totals(const cluster_status& status) {
  std::uint32_t serving = 0;
  std::uint32_t target = 0;
  for (const service_status& service : status.services) {
    serving += service.serving;
    target += service.target;
  }
  return fmt::format("{} of {} serving", serving, target);
}

}  // namespace

std::string short_duration(duration value) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  if (value < seconds(1)) return "0s";
  std::string text = format_duration(duration_cast<seconds>(value));
  if (value < std::chrono::hours(1)) return text;
  const bool within_a_day = value < std::chrono::hours(24);
  const duration unit = within_a_day ? duration(std::chrono::minutes(1)) : duration(std::chrono::hours(1));
  text = format_duration(value / unit * unit);
  return text;
}

std::string status_table(const cluster_status& status, const palette& colours) {
  const std::string about = fmt::format("{}  pid {}  up {}", fitted(status.cluster, 30), status.pid,
                                        short_duration(status.uptime));
  std::string out = colours.strong(left(about, table_width - 24)) + right(totals(status), 24) + "\n";
  out += colours.faint(fmt::format("{} {} {} {}{}{}{}", left("INSTANCE", name_width), left("STATE", state_width),
                                   left("HEALTH", health_width), right("PORT", port_width), right("PID", pid_width),
                                   right("UP", age_width), right("RESTARTS", restarts_width)));
  out += "\n";
  for (const service_status& service : status.services) {
    for (const instance_status& one : service.instances) {
      out += instance_line(one, colours);
      out += reason_line(one, colours);
    }
  }
  return out;
}

}  // namespace hale::cli
