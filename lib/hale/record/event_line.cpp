#include "hale/record/event_line.hpp"

#include <fmt/format.h>

#include <iterator>

#include "hale/base/text.hpp"
#include "hale/record/utf8.hpp"

namespace hale {
namespace {

// Controls, and the marks that reorder or hide text.
bool is_invisible(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) || (character >= 0x200B && character <= 0x200F) ||
         (character >= 0x2028 && character <= 0x202E) || (character >= 0x2060 && character <= 0x206F) ||
         character == 0xFEFF;
}

void append_printable(std::string& out, char32_t character) {
  if (!is_invisible(character)) return append_utf8(out, character);
  switch (character) {
    case U'\n': out += "\\n"; return;
    case U'\r': out += "\\r"; return;
    case U'\t': out += "\\t"; return;
    default: break;
  }
  const auto number = static_cast<unsigned>(character);
  if (number <= 0xFF) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", number);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", number);
  }
}

std::string change(const event& what) {
  if (what.from.empty()) return printable(what.to);
  return printable(what.from) + " -> " + printable(what.to);
}

std::string what_happened(const event& what) {
  std::string text;
  switch (what.kind) {
    case event_kind::state:
    case event_kind::health: text = change(what); break;
    case event_kind::action: text = printable(what.action); break;
    case event_kind::spawn: text = "spawned"; break;
    default:
      text = to_string(what.kind);
      if (!what.action.empty()) text += ' ' + printable(what.action);
      if (!what.from.empty() || !what.to.empty()) text += ' ' + change(what);
      break;
  }
  if (what.incarnation.value() != 0 && (what.kind == event_kind::spawn || what.kind == event_kind::exit)) {
    text += fmt::format(" (incarnation {})", what.incarnation.value());
  }
  if (what.success == false) text += " failed";
  return text;
}

// What a reader must not overlook is red, what ended well is green.
std::string_view colour_of(const event& what) {
  constexpr std::string_view red = "\x1b[31m";
  constexpr std::string_view yellow = "\x1b[33m";
  constexpr std::string_view green = "\x1b[32m";
  if (what.success == false) return red;
  switch (what.kind) {
    case event_kind::alert:
    case event_kind::correlated_failure:
    case event_kind::oom: return red;
    case event_kind::exit:
    case event_kind::foreign:
    case event_kind::signature:
    case event_kind::probe_error: return yellow;
    case event_kind::alert_resolved: return green;
    case event_kind::state:
    case event_kind::health:
      if (what.to == "serving" || what.to == "healthy") return green;
      if (what.to == "held" || what.to == "cooling" || what.to == "dead" || what.to == "unhealthy") return red;
      if (what.to == "degraded") return yellow;
      return {};
    default: return {};
  }
}

}  // namespace

std::string printable(std::string_view text, std::size_t most_bytes) {
  std::string out;
  while (!text.empty()) {
    append_printable(out, take_code_point(text));
    if (out.size() >= most_bytes && !text.empty()) return out + "…";
  }
  return out;
}

std::string event_line(const event& what, line_colour colour) {
  const std::string_view who = !what.instance.empty() ? what.instance : what.service;
  std::string line = to_rfc3339(what.at);
  if (!who.empty()) line += ' ' + printable(who, 80);
  std::string told = what_happened(what);
  if (what.cause.has_value()) told += fmt::format(" [{}]", to_string(*what.cause));
  const std::string_view paint = colour == line_colour::ansi ? colour_of(what) : std::string_view();
  line += ' ';
  line += paint;
  line += told;
  if (!paint.empty()) line += "\x1b[0m";
  const std::string_view why = !what.reason.empty() ? what.reason : what.details;
  if (!why.empty()) line += ": " + printable(why);
  return line;
}

}  // namespace hale
