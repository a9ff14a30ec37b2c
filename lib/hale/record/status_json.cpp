#include "hale/record/status_json.hpp"

#include <optional>

#include "hale/base/error.hpp"
#include "hale/record/json_fields.hpp"
#include "hale/record/json_object.hpp"

namespace hale {
namespace {

template <class Enum>
auto reader_of(Enum last) {
  return [last](std::string_view text) -> std::optional<Enum> {
    for (int index = 0; index <= static_cast<int>(last); ++index) {
      if (to_string(static_cast<Enum>(index)) == text) return static_cast<Enum>(index);
    }
    return std::nullopt;
  };
}

std::string_view spelling(const std::optional<cause>& value) {
  return value.has_value() ? to_string(*value) : std::string_view();
}

void number_or_null(json_object& object, std::string_view key, std::uint64_t value) {
  if (value == 0) {
    object.null(key);
  } else {
    object.number(key, value);
  }
}

std::optional<double> with_microseconds(const std::optional<duration>& value) {
  if (!value.has_value()) return std::nullopt;
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(*value).count();
  return static_cast<double>(whole) / 1000.0;
}

void append(std::string& out, const instance_status& instance) {
  json_object object(out);
  object.text("name", instance.name).number("index", instance.index);
  number_or_null(object, "port", instance.port);
  number_or_null(object, "pid", instance.pid > 0 ? static_cast<std::uint64_t>(instance.pid) : 0);
  object.text("state", to_string(instance.state));
  object.text_or_null("health", instance.health.has_value() ? to_string(*instance.health) : std::string_view());
  object.text_or_null("cause", spelling(instance.cause)).text_or_null("reason", instance.reason);
  number_or_null(object, "incarnation", instance.incarnation.value());
  object.number("attempt", instance.attempt).number("restarts", instance.restarts);
  object.milliseconds_or_null("uptime_ms", instance.uptime);
  object.milliseconds_or_null("heartbeat_age_ms", instance.heartbeat_age);
  object.real_or_null("error_rate", instance.error_rate);
  object.real_or_null("response_ms", with_microseconds(instance.response));
  object.number("consecutive_failures", instance.consecutive_failures);
  object.text_or_null("last_action", instance.last_action).time_or_null("last_action_at", instance.last_action_at);
  object.text_or_null("last_cause", spelling(instance.last_cause));
  object.text_or_null("last_reason", instance.last_reason).close();
}

void append(std::string& out, const service_status& service);

template <class Item>
void append_list(std::string& out, const std::vector<Item>& items) {
  out += '[';
  for (const Item& item : items) {
    if (&item != &items.front()) out += ',';
    append(out, item);
  }
  out += ']';
}

void append(std::string& out, const service_status& service) {
  json_object object(out);
  object.text("name", service.name).number("target", service.target).number("serving", service.serving);
  object.key("instances");
  append_list(out, service.instances);
  object.close();
}

void read_vitals(json_fields& fields, instance_status& into) {
  std::optional<double> response_ms;
  fields.milliseconds("uptime_ms", into.uptime);
  fields.milliseconds("heartbeat_age_ms", into.heartbeat_age);
  fields.real("error_rate", into.error_rate);
  fields.real("response_ms", response_ms);
  fields.number("consecutive_failures", into.consecutive_failures);
  if (!response_ms.has_value()) return;
  constexpr double most_ms = 9.0e12;
  const double bounded = *response_ms < 0 ? 0 : *response_ms > most_ms ? most_ms : *response_ms;
  into.response = std::chrono::microseconds(static_cast<std::int64_t>(bounded * 1000.0 + 0.5));
}

bool read(const nlohmann::json& object, instance_status& into) {
  json_fields fields(object);
  std::uint64_t incarnation = 0;
  fields.require("name");
  fields.text("name", into.name);
  fields.number("index", into.index);
  fields.number("port", into.port);
  fields.signed_number("pid", into.pid);
  fields.spelled("state", into.state, reader_of(instance_state::finished));
  fields.spelled("health", into.health, reader_of(health_status::dead));
  fields.spelled("cause", into.cause, cause_from_string);
  fields.text("reason", into.reason);
  fields.number("incarnation", incarnation);
  fields.number("attempt", into.attempt);
  fields.number("restarts", into.restarts);
  read_vitals(fields, into);
  fields.text("last_action", into.last_action);
  fields.time("last_action_at", into.last_action_at);
  fields.spelled("last_cause", into.last_cause, cause_from_string);
  fields.text("last_reason", into.last_reason);
  into.incarnation = incarnation_number(incarnation);
  return fields.good();
}

bool read(const nlohmann::json& object, service_status& into) {
  json_fields fields(object);
  fields.require("name");
  fields.text("name", into.name);
  fields.number("target", into.target);
  fields.number("serving", into.serving);
  fields.each("instances", [&](const nlohmann::json& element) { return read(element, into.instances.emplace_back()); });
  return fields.good();
}

}  // namespace

std::string status_json(const cluster_status& status) {
  std::string out;
  json_object object(out);
  object.text("cluster", status.cluster);
  number_or_null(object, "pid", status.pid > 0 ? static_cast<std::uint64_t>(status.pid) : 0);
  object.text("version", status.version).milliseconds_or_null("uptime_ms", status.uptime);
  object.key("services");
  append_list(out, status.services);
  object.close();
  return out;
}

result<cluster_status> parse_status(std::string_view text) {
  const auto object = parse_json_object(text);
  if (!object) return object.error();
  cluster_status found;
  std::optional<duration> uptime;
  json_fields fields(*object);
  fields.require("cluster");
  fields.require("services");
  fields.text("cluster", found.cluster);
  fields.signed_number("pid", found.pid);
  fields.text("version", found.version);
  fields.milliseconds("uptime_ms", uptime);
  fields.each("services", [&](const nlohmann::json& element) { return read(element, found.services.emplace_back()); });
  if (!fields.good()) return errc::malformed;
  found.uptime = uptime.value_or(duration::zero());
  return found;
}

}  // namespace hale
