// What the tests of this room share: arbitrary events, and comparing them.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <string_view>

#include "hale/heal/event.hpp"
#include "hale/heal/status.hpp"
#include "hale/record/utf8.hpp"

namespace hale::test {

/// What is left of a text that was told as JSON and read back.
inline std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) append_utf8(out, take_code_point(text));
  return out;
}

inline bool same(const event& a, const event& b) {
  return a.sequence == b.sequence && a.at == b.at && a.service == b.service && a.instance == b.instance &&
         a.incarnation == b.incarnation && a.kind == b.kind && a.from == b.from && a.to == b.to &&
         a.action == b.action && a.cause == b.cause && a.reason == b.reason && a.success == b.success &&
         a.details == b.details;
}

/// A text of any bytes, half of the time of those that matter to UTF-8, JSON and terminals.
inline rc::Gen<std::string> any_bytes() {
  const auto any = rc::gen::arbitrary<std::string>();
  const auto awkward = rc::gen::container<std::string>(
      rc::gen::element<char>('a', '"', '\\', '\n', '\x1b', '\0', '\x7f', '\x80', '\xc2', '\xed', '\xa0', '\xe2', '\xf0',
                             '\x9f', '\xff'));
  return rc::gen::oneOf(any, awkward);
}

inline std::optional<cause> any_cause() {
  const int number = *rc::gen::inRange(-1, static_cast<int>(cause::unknown) + 1);
  return number < 0 ? std::nullopt : std::optional(static_cast<cause>(number));
}

inline wall_time any_time() {
  return wall_time(std::chrono::milliseconds(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000)));
}

inline event any_event() {
  event made;
  made.sequence = *rc::gen::arbitrary<std::uint64_t>();
  made.at = any_time();
  made.service = *any_bytes();
  made.instance = *any_bytes();
  made.incarnation = incarnation_number(*rc::gen::arbitrary<std::uint64_t>());
  made.kind = static_cast<event_kind>(*rc::gen::inRange(0, static_cast<int>(event_kind::supervisor) + 1));
  made.from = *any_bytes();
  made.to = *any_bytes();
  made.action = *any_bytes();
  made.cause = any_cause();
  made.reason = *any_bytes();
  const int success = *rc::gen::inRange(0, 3);
  if (success > 0) made.success = success == 2;
  made.details = *any_bytes();
  return made;
}

}  // namespace hale::test
