#include "hale/record/event_json.hpp"

#include <optional>

#include "hale/base/error.hpp"
#include "hale/record/json_fields.hpp"
#include "hale/record/json_object.hpp"

namespace hale {
namespace {

std::optional<event_kind> kind_from_string(std::string_view text) {
  for (int index = 0; index <= static_cast<int>(event_kind::supervisor); ++index) {
    const auto kind = static_cast<event_kind>(index);
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

}  // namespace

std::string event_json(const event& what, std::string_view cluster) {
  std::string line;
  json_object object(line);
  object.number("seq", what.sequence).time_or_null("at", what.at).text_or_null("cluster", cluster);
  object.text_or_null("service", what.service).text_or_null("instance", what.instance);
  if (what.incarnation.value() == 0) {
    object.null("incarnation");
  } else {
    object.number("incarnation", what.incarnation.value());
  }
  object.text("kind", to_string(what.kind)).text_or_null("from", what.from).text_or_null("to", what.to);
  object.text_or_null("action", what.action);
  object.text_or_null("cause", what.cause.has_value() ? to_string(*what.cause) : std::string_view());
  object.text_or_null("reason", what.reason).boolean_or_null("success", what.success);
  object.text_or_null("details", what.details).close();
  return line;
}

result<recorded_event> parse_event(std::string_view line) {
  const auto object = parse_json_object(line);
  if (!object) return object.error();
  recorded_event found;
  std::uint64_t incarnation = 0;
  std::optional<wall_time> at;
  json_fields fields(*object);
  fields.require("seq");
  fields.require("at");
  fields.require("kind");
  fields.number("seq", found.what.sequence);
  fields.time("at", at);
  fields.text("cluster", found.cluster);
  fields.text("service", found.what.service);
  fields.text("instance", found.what.instance);
  fields.number("incarnation", incarnation);
  fields.spelled("kind", found.what.kind, kind_from_string);
  fields.text("from", found.what.from);
  fields.text("to", found.what.to);
  fields.text("action", found.what.action);
  fields.spelled("cause", found.what.cause, cause_from_string);
  fields.text("reason", found.what.reason);
  fields.boolean("success", found.what.success);
  fields.text("details", found.what.details);
  if (!fields.good()) return errc::malformed;
  found.what.incarnation = incarnation_number(incarnation);
  found.what.at = *at;
  return found;
}

std::string gap_json(std::uint64_t missed) {
  std::string line;
  json_object(line).number("gap", missed).close();
  return line;
}

result<std::uint64_t> parse_gap(std::string_view line) {
  const auto object = parse_json_object(line);
  if (!object) return object.error();
  std::uint64_t missed = 0;
  json_fields fields(*object);
  fields.require("gap");
  fields.number("gap", missed);
  if (!fields.good()) return errc::malformed;
  return missed;
}

}  // namespace hale
