#include "hale/sim/run/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "hale/base/text.hpp"
#include "hale/record/json_object.hpp"
#include "hale/record/utf8.hpp"
#include "hale/sim/run/timeline_page.hpp"

namespace hale::sim {
namespace {

// In the order of mark_kind; the page knows them by these names.
constexpr std::array<std::string_view, 7> kind_names = {"fault", "action", "alert",     "alert_resolved",
                                                        "exit",  "oracle", "supervisor"};
// What is kept longest when there is too much.
constexpr std::array<mark_kind, 7> by_weight = {mark_kind::oracle, mark_kind::alert, mark_kind::supervisor,
                                                mark_kind::fault,  mark_kind::action, mark_kind::exit,
                                                mark_kind::alert_resolved};

constexpr std::size_t longest_text = 4096;   // bytes of any one text
constexpr std::size_t longest_table = 1000;  // rows
constexpr std::string_view many_changes = "many changes";

constexpr std::size_t number_of(mark_kind kind) { return static_cast<std::size_t>(kind); }

// --- text

// At most `longest_text` bytes, not ending within a character.
std::string_view cut(std::string_view text) {
  if (text.size() <= longest_text) return text;
  std::size_t size = longest_text;
  while (size > longest_text - 4 && (static_cast<unsigned char>(text[size]) & 0xC0u) == 0x80) --size;
  return text.substr(0, size);
}

void append_html_character(std::string& out, char32_t character) {
  switch (character) {
    case U'&': out += "&amp;"; return;
    case U'<': out += "&lt;"; return;
    case U'>': out += "&gt;"; return;
    case U'"': out += "&quot;"; return;
    case U'\'': out += "&#39;"; return;
    case U'\n': out += '\n'; return;
    case U'\t': out += '\t'; return;
    default: break;
  }
  const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
  append_utf8(out, control ? replacement_character : character);
}

void append_html(std::string& out, std::string_view text) {
  const std::string_view kept = cut(text);
  for (std::string_view left = kept; !left.empty();) append_html_character(out, take_code_point(left));
  if (kept.size() < text.size()) out += "…";
}

// JSON that can stand within a script element: what HTML or an old script engine would stumble over occurs in strings
// only, and is escaped there.
std::string within_script(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view rest = json.substr(i, 3);
    if (json[i] == '<' || json[i] == '>' || json[i] == '&') {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(json[i]));
    } else if (rest == "\u2028" || rest == "\u2029") {
      out += rest == "\u2028" ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += json[i];
    }
  }
  return out;
}

std::int64_t microseconds(duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

// --- thinning

std::size_t count_spans(const std::vector<timeline_lane>& lanes) {
  std::size_t count = 0;
  for (const timeline_lane& lane : lanes) count += lane.spans.size();
  return count;
}

// One span of the page: `first` as it is, or everything from `first` up to the next one told as "many changes".
struct shown_span {
  std::size_t first = 0;
  std::size_t hidden = 0;
};

using shown_lanes = std::vector<std::vector<shown_span>>;

// Spans shorter than `grain` that follow on each other become one; what lasts longer stays as it is.
struct sieve {
  duration grain{};
  duration length{};  // of the run

  // The end of the row of short spans that begins with span `first`, itself if that is long.
  std::size_t end_of_short(const std::vector<timeline_span>& spans, std::size_t first) const {
    for (; first < spans.size(); ++first) {
      const duration until = first + 1 < spans.size() ? spans[first + 1].from : length;
      if (until - spans[first].from >= grain) break;
    }
    return first;
  }
};

std::vector<shown_span> gather(const std::vector<timeline_span>& spans, const sieve& by) {
  std::vector<shown_span> out;
  for (std::size_t first = 0; first < spans.size();) {
    const std::size_t end = std::max(by.end_of_short(spans, first), first + 1);
    out.push_back(shown_span{first, end - first > 1 ? end - first : 0});
    first = end;
  }
  return out;
}

// How many spans gather() would leave in all lanes.
std::size_t count_gathered(const std::vector<timeline_lane>& lanes, const sieve& by) {
  std::size_t count = 0;
  for (const timeline_lane& lane : lanes) {
    for (std::size_t first = 0; first < lane.spans.size(); ++count) {
      first = std::max(by.end_of_short(lane.spans, first), first + 1);
    }
  }
  return count;
}

// About the finest sieve that leaves no more than `limit`.
sieve sieve_for(const timeline& picture, std::size_t limit) {
  sieve by;
  by.length = picture.length;
  if (count_spans(picture.lanes) <= limit) return by;
  duration too_fine{};
  duration coarse = std::min(picture.length, duration::max() - duration(1)) + duration(1);
  while (coarse - too_fine > coarse / 16 + std::chrono::milliseconds(1)) {
    by.grain = too_fine + (coarse - too_fine) / 2;
    (count_gathered(picture.lanes, by) > limit ? too_fine : coarse) = by.grain;
  }
  by.grain = coarse;
  return by;
}

shown_lanes thin_spans(const timeline& picture, std::size_t limit) {
  const sieve by = sieve_for(picture, limit);
  shown_lanes out;
  out.reserve(picture.lanes.size());
  for (const timeline_lane& lane : picture.lanes) out.push_back(gather(lane.spans, by));
  return out;
}

// The marks to show, by their numbers in the order of time. Of a kind that is shown in part, every so many-th is.
std::vector<std::size_t> thin_marks(const std::vector<timeline_mark>& marks, std::size_t limit) {
  std::array<std::vector<std::size_t>, kind_names.size()> of_kind;
  for (std::size_t i = 0; i < marks.size(); ++i) of_kind.at(number_of(marks[i].kind)).push_back(i);
  std::vector<std::size_t> out;
  for (const mark_kind kind : by_weight) {
    const std::vector<std::size_t>& all = of_kind.at(number_of(kind));
    const std::size_t kept = std::min(all.size(), limit - out.size());
    for (std::size_t i = 0; i < kept; ++i) out.push_back(all[i * all.size() / kept]);
  }
  std::sort(out.begin(), out.end(), [&](std::size_t left, std::size_t right) {
    return std::pair(marks[left].at, left) < std::pair(marks[right].at, right);
  });
  return out;
}

struct shown_parts {
  shown_lanes lanes;
  std::vector<std::size_t> marks;
  std::size_t hidden_spans = 0;
  std::size_t hidden_marks = 0;
};

shown_parts choose(const timeline& picture, std::size_t limit) {
  const std::size_t spans = count_spans(picture.lanes);
  // Marks may have what the spans leave, and half of all in any case.
  const std::size_t room = std::max(limit / 2, limit - std::min(spans, limit));
  shown_parts parts;
  parts.marks = thin_marks(picture.marks, room);
  parts.lanes = thin_spans(picture, limit - parts.marks.size());
  parts.hidden_marks = picture.marks.size() - parts.marks.size();
  for (const std::vector<shown_span>& lane : parts.lanes) {
    for (const shown_span& span : lane) parts.hidden_spans += span.hidden;
  }
  return parts;
}

// --- the data

// Each text once; elsewhere it is told by its number.
class text_table {
 public:
  std::size_t number(std::string_view text) {
    const auto [at, added] = numbers_.try_emplace(std::string(text), texts_.size());
    if (added) texts_.push_back(at->first);
    return at->second;
  }

  void append_to(std::string& out) const {
    out += '[';
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (i > 0) out += ',';
      const std::string_view kept = cut(texts_[i]);
      if (kept.size() == texts_[i].size()) {
        append_json_string(out, kept);
      } else {
        append_json_string(out, std::string(kept) + "…");
      }
    }
    out += ']';
  }

 private:
  std::map<std::string, std::size_t, std::less<>> numbers_;
  std::vector<std::string_view> texts_;
};

class data_writer {
 public:
  data_writer(const timeline& picture, const shown_parts& parts) : picture_(picture), parts_(parts) {}

  std::string write() && {
    std::string out;
    json_object object(out);
    object.number("version", 1).text("cluster", cut(picture_.cluster)).text("title", cut(picture_.title));
    object.text("seed", cut(picture_.seed)).text("trace", cut(picture_.trace)).text("verdict", cut(picture_.verdict));
    object.signed_number("length", microseconds(picture_.length));
    object.number("hidden_spans", parts_.hidden_spans).number("hidden_marks", parts_.hidden_marks);
    object.key("kinds");
    append_kinds(out);
    object.key("phases");
    append_phases(out);
    object.key("lanes");
    append_lanes(out);
    object.key("marks");
    append_marks(out);
    object.key("texts");
    texts_.append_to(out);
    object.close();
    return out;
  }

 private:
  static void append_kinds(std::string& out) {
    out += '[';
    for (std::size_t i = 0; i < kind_names.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, kind_names.at(i));
    }
    out += ']';
  }

  void append_phases(std::string& out) const {
    out += '[';
    for (const timeline_phase& phase : picture_.phases) {
      if (out.back() == '}') out += ',';
      json_object(out).text("name", cut(phase.name)).signed_number("from", microseconds(phase.from)).close();
    }
    out += ']';
  }

  // Five numbers a span: from, state, health, cause, reason.
  void append_lanes(std::string& out) {
    out += '[';
    for (std::size_t i = 0; i < picture_.lanes.size(); ++i) {
      const timeline_lane& lane = picture_.lanes[i];
      if (i > 0) out += ',';
      json_object object(out);
      object.number("service", texts_.number(lane.service)).number("instance", texts_.number(lane.instance));
      object.key("spans");
      out += '[';
      for (const shown_span& shown : parts_.lanes[i]) {
        if (out.back() != '[') out += ',';
        append_span(out, lane.spans[shown.first], shown.hidden);
      }
      out += ']';
      object.close();
    }
    out += ']';
  }

  void append_span(std::string& out, const timeline_span& span, std::size_t hidden) {
    const std::size_t state = texts_.number(hidden > 0 ? many_changes : std::string_view(span.state));
    const std::size_t health = texts_.number(hidden > 0 ? std::string_view() : std::string_view(span.health));
    const std::size_t cause = texts_.number(hidden > 0 ? std::string_view() : std::string_view(span.cause));
    const std::size_t reason =
        texts_.number(hidden > 0 ? fmt::format("{} states in a row, not shown one by one", hidden) : span.reason);
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{}", microseconds(span.from), state, health, cause, reason);
  }

  // Seven numbers a mark: at, lasts, lane (-1: the cluster), kind, name, text, instance.
  void append_marks(std::string& out) {
    std::map<std::string_view, std::size_t> lane_of;
    for (std::size_t i = 0; i < picture_.lanes.size(); ++i) lane_of.try_emplace(picture_.lanes[i].instance, i);
    out += '[';
    for (const std::size_t i : parts_.marks) {
      const timeline_mark& mark = picture_.marks[i];
      const auto lane = mark.instance.empty() ? lane_of.end() : lane_of.find(mark.instance);
      const std::int64_t row = lane == lane_of.end() ? -1 : static_cast<std::int64_t>(lane->second);
      const duration left = std::max(duration::zero(), picture_.length - std::min(mark.at, picture_.length));
      if (out.back() != '[') out += ',';
      const std::size_t name = texts_.number(mark.name);
      const std::size_t text = texts_.number(mark.text);
      const std::size_t instance = texts_.number(mark.instance);
      fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{}", microseconds(mark.at),
                     microseconds(std::min(mark.lasts, left)), row, number_of(mark.kind), name, text, instance);
    }
    out += ']';
  }

  const timeline& picture_;
  const shown_parts& parts_;
  text_table texts_;
};

// --- what is told without a script

std::string title_of(const timeline& picture) {
  if (!picture.title.empty()) return picture.title;
  return "hale sim: " + (picture.cluster.empty() ? std::string("a run") : picture.cluster);
}

std::string summary_html(const timeline& picture, const shown_parts& parts) {
  std::string out = "<h1>";
  append_html(out, title_of(picture));
  const bool clean = picture.verdict == "clean";
  out += clean ? "</h1>\n<p class=\"verdict clean\">✓ " : "</h1>\n<p class=\"verdict failed\">✗ ";
  append_html(out, picture.verdict.empty() ? std::string_view("no verdict") : std::string_view(picture.verdict));
  out += "</p>\n<dl>";
  const std::array<std::pair<std::string_view, std::string>, 4> facts = {
      std::pair<std::string_view, std::string>("cluster", picture.cluster), {"seed", picture.seed},
      {"trace", picture.trace}, {"length", format_duration(picture.length)}};
  for (const auto& [name, value] : facts) {
    if (value.empty()) continue;
    fmt::format_to(std::back_inserter(out), "<div><dt>{} </dt><dd>", name);
    append_html(out, value);
    out += "</dd></div>\n";
  }
  out += "</dl>\n";
  if (parts.hidden_spans + parts.hidden_marks > 0) {
    fmt::format_to(std::back_inserter(out),
                   "<p class=\"note\" id=\"hidden\">Too much to show all of it: {} of {} changes of state are drawn "
                   "as “{}”, and {} of {} marks are not shown.</p>\n",
                   parts.hidden_spans, count_spans(picture.lanes), many_changes, parts.hidden_marks,
                   picture.marks.size());
  }
  return out;
}

void append_cell(std::string& out, std::string_view text) {
  out += "<td>";
  append_html(out, text);
  out += "</td>";
}

struct told_table {
  std::string rows;
  std::size_t count = 0;
};

void append_told(told_table& table, const timeline& picture, const shown_parts& parts, mark_kind kind) {
  for (const std::size_t i : parts.marks) {
    const timeline_mark& mark = picture.marks[i];
    if (mark.kind != kind || ++table.count > longest_table) continue;
    fmt::format_to(std::back_inserter(table.rows), "<tr data-at=\"{}\" data-whose=\"", microseconds(mark.at));
    append_html(table.rows, mark.instance);
    table.rows += "\">";
    append_cell(table.rows, format_duration(mark.at));
    append_cell(table.rows, kind == mark_kind::alert ? "alert" : "oracle failed");
    append_cell(table.rows, mark.instance.empty() ? "whole cluster" : std::string_view(mark.instance));
    append_cell(table.rows, mark.name);
    append_cell(table.rows, mark.text);
    table.rows += "</tr>\n";
  }
}

// Failed oracles and alerts as a table, for readers without eyes or scripts for the picture.
std::string told_html(const timeline& picture, const shown_parts& parts) {
  told_table table;
  append_told(table, picture, parts, mark_kind::oracle);
  append_told(table, picture, parts, mark_kind::alert);
  std::string out = fmt::format("<details id=\"told\"{}><summary>Failed oracles and alerts: {}</summary>\n",
                                picture.verdict == "clean" ? "" : " open", table.count);
  if (table.count == 0) return out + "<p>There were none.</p></details>\n";
  out += "<table><thead><tr><th scope=\"col\">at</th><th scope=\"col\">what</th><th scope=\"col\">whose</th>"
         "<th scope=\"col\">name</th><th scope=\"col\">text</th></tr></thead><tbody>\n";
  out += table.rows;
  out += "</tbody></table>\n";
  if (table.count > longest_table) {
    fmt::format_to(std::back_inserter(out), "<p>And {} more.</p>\n", table.count - longest_table);
  }
  return out + "</details>\n";
}

}  // namespace

std::string render_timeline(const timeline& picture, std::size_t limit) {
  const shown_parts parts = choose(picture, limit);
  std::string title;
  append_html(title, title_of(picture));
  const std::map<std::string_view, std::string> places = {
      {"title", std::move(title)},
      {"summary", summary_html(picture, parts)},
      {"told", told_html(picture, parts)},
      {"data", within_script(data_writer(picture, parts).write())}};

  constexpr std::string_view opening = "<!--hale:";
  constexpr std::string_view closing = "-->";
  std::string_view left = timeline_page();
  std::string out;
  // What is put in is never looked at again, so it cannot name a place itself.
  for (std::size_t at = left.find(opening); at != std::string_view::npos; at = left.find(opening)) {
    out += left.substr(0, at);
    left.remove_prefix(at + opening.size());
    const std::size_t end = left.find(closing);
    out += places.at(left.substr(0, end));
    left.remove_prefix(end + closing.size());
  }
  out += left;
  return out;
}

}  // namespace hale::sim
