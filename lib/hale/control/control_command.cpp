#include "hale/control/control_command.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include "hale/base/text.hpp"
#include "hale/record/event_line.hpp"
#include "hale/record/json_fields.hpp"
#include "hale/wire/url.hpp"

namespace hale {
namespace {

struct route {
  std::string_view method;
  std::string_view path;        ///< with * for one segment of any text
  control_action action;
  std::string_view parameters;  ///< the query it takes, separated by spaces
};

constexpr std::array<route, 15> routes = {{
    {"GET", "v1 status", control_action::status, ""},
    {"GET", "v1 events", control_action::events, "since follow"},
    {"GET", "v1 instances * log", control_action::log, "n follow"},
    {"POST", "v1 instances * start", control_action::start, "wait"},
    {"POST", "v1 instances * stop", control_action::stop, "wait"},
    {"POST", "v1 instances * restart", control_action::restart, "wait"},
    {"POST", "v1 instances * heartbeat", control_action::heartbeat, ""},
    {"POST", "v1 instances * requests", control_action::report_request, ""},
    {"POST", "v1 services * start", control_action::start, "wait"},
    {"POST", "v1 services * stop", control_action::stop, "wait"},
    {"POST", "v1 services * restart", control_action::restart, "wait"},
    {"POST", "v1 services * rollout", control_action::rollout, "wait replace"},
    {"POST", "v1 ports * heartbeat", control_action::heartbeat_port, ""},
    {"POST", "v1 reload", control_action::reload, "dry-run"},
    {"POST", "v1 stop", control_action::stop_cluster, ""},
}};

std::string_view take_word(std::string_view& text) {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

bool matches(std::string_view pattern, std::span<const std::string> path) {
  for (const std::string& segment : path) {
    if (pattern.empty()) return false;
    const std::string_view word = take_word(pattern);
    if (word != "*" && word != segment) return false;
  }
  return pattern.empty();
}

bool takes(std::string_view parameters, std::string_view name) {
  while (!parameters.empty()) {
    if (take_word(parameters) == name) return true;
  }
  return false;
}

control_error bad(std::string message) { return {400, std::move(message), {}}; }

// The route, or 404, or 405 with the methods that would do. HEAD is GET without its body.
result<const route*, control_error> find_route(std::string_view method, const request_target& target) {
  std::string allow;
  for (const route& candidate : routes) {
    if (!matches(candidate.path, target.path)) continue;
    if (candidate.method == method || (candidate.method == "GET" && method == "HEAD")) return &candidate;
    if (!allow.empty()) allow += ", ";
    allow += candidate.method == "GET" ? "GET, HEAD" : candidate.method;
  }
  if (allow.empty()) {
    std::string path;
    for (const std::string& segment : target.path) path += '/' + printable(segment, 60);
    return control_error{404, fmt::format("nothing is at {}; the cluster's state is at /v1/status", path), {}};
  }
  return control_error{405, fmt::format("{} is not possible here; use {}", printable(method, 40), allow), allow};
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

using refusal = std::optional<control_error>;

refusal read_flag(std::string_view name, std::string_view value, bool& into) {
  if (value != "0" && value != "1") return bad(fmt::format("{} must be 0 or 1", name));
  into = value == "1";
  return std::nullopt;
}

refusal read_lines(std::string_view value, std::size_t& into) {
  const auto count = whole_number<std::uint64_t>(value);
  if (!count.has_value() || *count > max_log_lines) {
    return bad(fmt::format("n must be a number of lines, at most {}", max_log_lines));
  }
  into = static_cast<std::size_t>(*count);
  return std::nullopt;
}

refusal read_since(std::string_view value, event_origin& into) {
  if (const auto sequence = whole_number<std::uint64_t>(value)) {
    into = *sequence;
  } else if (const auto ago = parse_duration(value)) {
    into = *ago;
  } else if (const auto time = parse_rfc3339(value)) {
    into = *time;
  } else {
    return bad("since must be the number of an event, a duration such as 10m, or a time such as 2026-11-21T20:25:00Z");
  }
  return std::nullopt;
}

refusal read_parameter(std::string_view name, std::string_view value, control_command& into) {
  bool ignored = false;
  if (name == "wait") return read_flag(name, value, into.wait);
  if (name == "follow") return read_flag(name, value, into.follow);
  if (name == "n") return read_lines(value, into.lines);
  if (name == "since") return read_since(value, into.since);
  return read_flag(name, value, ignored);
}

refusal read_query(const route& of, const request_target& target, control_command& into) {
  for (const auto& [name, value] : target.query) {
    if (!takes(of.parameters, name)) {
      const std::string known = of.parameters.empty() ? "there are none here" : fmt::format("known: {}", of.parameters);
      return bad(fmt::format("unknown parameter \"{}\"; {}", printable(name, 60), known));
    }
    if (refusal refused = read_parameter(name, value, into)) return refused;
  }
  return std::nullopt;
}

refusal read_report(std::string_view body, control_command& into) {
  const auto object = parse_json_object(body);
  if (!object) return bad(R"(the body must be a JSON object such as {"duration_ms": 120, "ok": true})");
  for (const auto& [key, value] : object->items()) {
    if (key != "duration_ms" && key != "ok") return bad(fmt::format("unknown field \"{}\"", printable(key, 60)));
  }
  std::optional<double> took_ms;
  std::optional<bool> ok;
  json_fields took_field(*object);
  took_field.real("duration_ms", took_ms);
  json_fields ok_field(*object);
  ok_field.boolean("ok", ok);
  constexpr double most_ms = std::chrono::duration<double, std::milli>(max_reported_request).count();
  if (!took_field.good() || !took_ms.has_value() || !(*took_ms >= 0 && *took_ms <= most_ms)) {
    return bad("duration_ms must be a number of milliseconds from 0 to 86400000");
  }
  if (!ok_field.good() || !ok.has_value()) return bad("ok must be true or false");
  into.took = duration(static_cast<std::int64_t>(*took_ms * 1e6));
  into.ok = *ok;
  return std::nullopt;
}

refusal read_name(const request_target& target, control_command& into) {
  if (target.path.size() != 4) return std::nullopt;
  if (into.action != control_action::heartbeat_port) {
    into.of_service = target.path[1] == "services";
    into.name = target.path[2];
    return std::nullopt;
  }
  const auto port = whole_number<std::uint16_t>(target.path[2]);
  if (!port.has_value() || *port == 0) return bad("a port is a number from 1 to 65535");
  into.port = *port;
  return std::nullopt;
}

}  // namespace

result<control_command, control_error> read_command(const http_request& request) {
  const auto target = parse_target(request.target);
  if (!target) return bad("the request's target cannot be read; /v1/status is an example of one");
  const auto found = find_route(request.method, *target);
  if (!found) return found.error();
  control_command command;
  command.action = (*found)->action;
  if (refusal refused = read_name(*target, command)) return *refused;
  if (refusal refused = read_query(**found, *target, command)) return *refused;
  if (command.action == control_action::report_request) {
    if (refusal refused = read_report(request.body, command)) return *refused;
  }
  return command;
}

}  // namespace hale
