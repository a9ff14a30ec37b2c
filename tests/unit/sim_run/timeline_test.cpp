#include "hale/sim/run/timeline.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hale/sim/run/timeline_page.hpp"

using namespace hale;
using namespace std::chrono_literals;
using nlohmann::json;
using sim::mark_kind;

namespace {

sim::timeline small_run() {
  sim::timeline made;
  made.cluster = "models";
  made.title = "hale sim models.toml";
  made.seed = "42";
  made.trace = "9f3c5a1be07d2264";
  made.verdict = "clean";
  made.length = 10min;
  made.phases = {{"warm", 0s}, {"chaos", 1min}};
  made.lanes = {{"llama", "llama-1", {{0s, "starting", "", "", ""}, {5s, "serving", "healthy", "", ""}}},
                {"llama", "llama-2", {{1s, "waiting", "", "port_taken", "port 11544 is held by pid 7"}}}};
  made.marks = {{2min, 30s, "llama-1", mark_kind::fault, "hang", "answers nothing"},
                {1min, 0s, "", mark_kind::supervisor, "killed", "SIGKILL"},
                {3min, 0s, "llama-2", mark_kind::alert, "held", "no such file"}};
  return made;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::string data_text(std::string_view page) {
  constexpr std::string_view opening = "<script type=\"application/json\" id=\"data\">";
  const std::size_t start = page.find(opening) + opening.size();
  return std::string(page.substr(start, page.find("</script>", start) - start));
}

json data_of(std::string_view page) { return json::parse(data_text(page)); }

std::string text_of(const json& data, const json& number) { return data["texts"][number.get<std::size_t>()]; }

// Lanes that change their state every second, and marks of all kinds.
sim::timeline crowded(int lanes, int spans, int marks) {
  sim::timeline made = small_run();
  made.lanes.clear();
  made.marks.clear();
  made.length = spans * 1s + 1h;
  for (int i = 0; i < lanes; ++i) {
    sim::timeline_lane lane{"pool", fmt::format("one-{}", i), {}};
    for (int j = 0; j < spans; ++j) lane.spans.push_back({j * 1s, j % 2 == 0 ? "starting" : "waiting", "", "", ""});
    lane.spans.push_back({spans * 1s, "serving", "healthy", "", ""});
    made.lanes.push_back(std::move(lane));
  }
  for (int i = 0; i < marks; ++i) {
    const auto kind = static_cast<mark_kind>(i % 7);
    made.marks.push_back({(marks - i) * 1ms, 0s, "one-0", kind, fmt::format("mark {}", i), ""});
  }
  return made;
}

std::size_t spans_in(const json& data) {
  std::size_t count = 0;
  for (const json& lane : data["lanes"]) count += lane["spans"].size() / 5;
  return count;
}

std::size_t marks_of(const json& data, mark_kind kind) {
  std::size_t count = 0;
  for (std::size_t i = 3; i < data["marks"].size(); i += 7) count += data["marks"][i] == static_cast<int>(kind) ? 1 : 0;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_page_has_one_place_for_each_thing_put_into_it) {
  for (const std::string_view place : {"title", "summary", "told", "data"}) {
    BOOST_TEST(count_of(sim::timeline_page(), fmt::format("<!--hale:{}-->", place)) == 1u, place);
  }
  BOOST_TEST(count_of(sim::timeline_page(), "<!--hale:") == 4u);
  BOOST_TEST(count_of(sim::render_timeline(small_run()), "<!--hale:") == 0u);
}

BOOST_AUTO_TEST_CASE(the_page_fetches_nothing) {
  const std::string page = sim::render_timeline(small_run());
  for (const std::string_view way :
       {"http://", "https://", "src=", "<link", "@import", "url(", "fetch(", "innerHTML"}) {
    BOOST_TEST(count_of(page, way) == 0u, way);
  }
  BOOST_TEST(count_of(page, "default-src 'none'") == 1u);
}

BOOST_AUTO_TEST_CASE(the_data_are_those_of_the_run) {
  const json data = data_of(sim::render_timeline(small_run()));
  BOOST_TEST(data["cluster"] == "models");
  BOOST_TEST(data["seed"] == "42");
  BOOST_TEST(data["trace"] == "9f3c5a1be07d2264");
  BOOST_TEST(data["verdict"] == "clean");
  BOOST_TEST(data["length"] == 600'000'000);
  BOOST_TEST(data["phases"][1]["name"] == "chaos");
  BOOST_TEST(data["phases"][1]["from"] == 60'000'000);
  BOOST_TEST(data["hidden_spans"] == 0);
  BOOST_TEST(data["hidden_marks"] == 0);

  const json& lane = data["lanes"][1];
  BOOST_TEST(text_of(data, lane["service"]) == "llama");
  BOOST_TEST(text_of(data, lane["instance"]) == "llama-2");
  BOOST_TEST_REQUIRE(lane["spans"].size() == 5u);
  BOOST_TEST(lane["spans"][0] == 1'000'000);
  BOOST_TEST(text_of(data, lane["spans"][1]) == "waiting");
  BOOST_TEST(text_of(data, lane["spans"][2]) == "");
  BOOST_TEST(text_of(data, lane["spans"][3]) == "port_taken");
  BOOST_TEST(text_of(data, lane["spans"][4]) == "port 11544 is held by pid 7");

  const json& marks = data["marks"];
  BOOST_TEST_REQUIRE(marks.size() == 21u);
  BOOST_TEST(marks[0] == 60'000'000);  // in the order of time
  BOOST_TEST(marks[2] == -1);
  BOOST_TEST(data["kinds"][marks[3].get<std::size_t>()] == "supervisor");
  BOOST_TEST(marks[7 + 0] == 120'000'000);
  BOOST_TEST(marks[7 + 1] == 30'000'000);
  BOOST_TEST(marks[7 + 2] == 0);
  BOOST_TEST(data["kinds"][marks[7 + 3].get<std::size_t>()] == "fault");
  BOOST_TEST(text_of(data, marks[7 + 4]) == "hang");
  BOOST_TEST(text_of(data, marks[7 + 5]) == "answers nothing");
}

BOOST_AUTO_TEST_CASE(a_mark_for_one_without_a_lane_is_the_clusters_and_keeps_its_name) {
  sim::timeline run = small_run();
  run.marks = {{1s, 0s, "llama-9", mark_kind::fault, "hang", ""}};
  const json data = data_of(sim::render_timeline(run));
  BOOST_TEST(data["marks"][2] == -1);
  BOOST_TEST(text_of(data, data["marks"][6]) == "llama-9");
}

BOOST_AUTO_TEST_CASE(a_fault_for_ever_ends_with_the_run) {
  sim::timeline run = small_run();
  run.marks = {{1min, duration::max(), "", mark_kind::fault, "partition", ""},
               {20min, 5s, "", mark_kind::fault, "late", ""}};
  const json data = data_of(sim::render_timeline(run));
  BOOST_TEST(data["marks"][1] == 540'000'000);
  BOOST_TEST(data["marks"][8] == 0);
}

BOOST_AUTO_TEST_CASE(what_was_told_stands_in_the_page_without_a_script) {
  sim::timeline run = small_run();
  run.verdict = "converges: llama-2 was not serving";
  run.marks.push_back({9min, 0s, "llama-2", mark_kind::oracle, "converges", "not serving after 5m"});
  const std::string page = sim::render_timeline(run);
  const std::string_view before_data = std::string_view(page).substr(0, page.find("application/json"));
  BOOST_TEST(count_of(before_data, "<title>hale sim models.toml</title>") == 1u);
  BOOST_TEST(count_of(before_data, "class=\"verdict failed\">✗ converges: llama-2 was not serving</p>") == 1u);
  BOOST_TEST(count_of(before_data, "<dd>9f3c5a1be07d2264</dd>") == 1u);
  BOOST_TEST(count_of(before_data, "<noscript>") == 1u);
  BOOST_TEST(count_of(before_data, "Failed oracles and alerts: 2<") == 1u);
  BOOST_TEST(count_of(before_data, "<td>9m</td><td>oracle failed</td><td>llama-2</td><td>converges</td>"
                                   "<td>not serving after 5m</td>") == 1u);
  BOOST_TEST(count_of(sim::render_timeline(small_run()), "class=\"verdict clean\"") == 1u);
}

BOOST_AUTO_TEST_CASE(hostile_texts_change_neither_the_page_nor_the_data) {
  const std::string evil =
      "</script><script>x</script><!-- --> <img onerror=a> & \" ' \u2028\u2029 <!--hale:data--> \\ \x01";
  sim::timeline run = small_run();
  run.cluster = run.title = run.seed = run.trace = run.verdict = evil;
  run.phases = {{evil, 0s}};
  run.lanes = {{evil, evil, {{0s, evil, evil, evil, evil}}}};
  run.marks = {{1s, 0s, evil, mark_kind::alert, evil, evil}};
  const std::string page = sim::render_timeline(run);
  const std::string plain = sim::render_timeline(small_run());
  for (const std::string_view part : {"<script", "</script", "<!--", "<img", "\u2028", "\u2029"}) {
    const bool separator = part[0] != '<';
    if (!separator) BOOST_TEST(count_of(page, part) == count_of(plain, part), part);
  }
  BOOST_TEST(data_text(page).find_first_of("<>&") == std::string::npos);
  BOOST_TEST(count_of(data_text(page), "\u2028") == 0u);
  const json data = data_of(page);
  for (const std::string_view key : {"cluster", "title", "seed", "trace", "verdict"}) {
    BOOST_TEST(data[key] == evil, key);
  }
  BOOST_TEST(data["phases"][0]["name"] == evil);
  BOOST_TEST(text_of(data, data["lanes"][0]["instance"]) == evil);
  BOOST_TEST(text_of(data, data["marks"][5]) == evil);
  BOOST_TEST(data["marks"][2] == 0);
}

RC_BOOST_PROP(any_texts_come_back_from_the_page, ()) {
  const auto texts = *rc::gen::container<std::vector<std::string>>(6, rc::gen::string<std::string>());
  sim::timeline run = small_run();
  run.title = texts[0];
  run.lanes[0].instance = texts[1];
  run.lanes[0].spans[0].reason = texts[2];
  run.marks[0].text = texts[3];
  run.marks[2].name = texts[4];
  run.verdict = texts[5];
  const std::string page = sim::render_timeline(run);
  RC_ASSERT(count_of(page, "</script>") == count_of(sim::timeline_page(), "</script>"));
  RC_ASSERT(count_of(page, "<script") == count_of(sim::timeline_page(), "<script"));
  const json data = data_of(page);
  RC_ASSERT(data["lanes"].size() == 2u);
  const bool ascii = std::all_of(texts[2].begin(), texts[2].end(), [](char c) { return c > 0; });
  if (ascii) RC_ASSERT(text_of(data, data["lanes"][0]["spans"][4]) == texts[2]);
}

BOOST_AUTO_TEST_CASE(every_lane_is_in_the_page_however_many_there_are) {
  const json data = data_of(sim::render_timeline(crowded(1500, 3, 0), 1000));
  std::set<std::string> names;
  for (const json& lane : data["lanes"]) names.insert(text_of(data, lane["instance"]));
  BOOST_TEST(names.size() == 1500u);
}

BOOST_AUTO_TEST_CASE(what_fits_is_shown_whole) {
  const std::string page = sim::render_timeline(crowded(10, 99, 500), 1500);
  const json data = data_of(page);
  BOOST_TEST(spans_in(data) == 1000u);
  BOOST_TEST(data["marks"].size() == 500u * 7);
  BOOST_TEST(count_of(page, "id=\"hidden\"") == 0u);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_thinned_and_the_page_says_by_how_much) {
  const std::string page = sim::render_timeline(crowded(10, 999, 700), 1000);
  const json data = data_of(page);
  BOOST_TEST(spans_in(data) + data["marks"].size() / 7 <= 1000u);
  BOOST_TEST(data["marks"].size() / 7 == 500u);
  BOOST_TEST(data["hidden_marks"] == 200);
  BOOST_TEST(data["hidden_spans"] == 9990);
  BOOST_TEST(count_of(page, "9990 of 10000 changes of state are drawn as “many changes”, and 200 of 700 marks") == 1u);
  // What lasts is still told as it was, only the short states are gathered.
  const json& lane = data["lanes"][0]["spans"];
  BOOST_TEST_REQUIRE(lane.size() == 10u);
  BOOST_TEST(text_of(data, lane[1]) == "many changes");
  BOOST_TEST(text_of(data, lane[4]) == "999 states in a row, not shown one by one");
  BOOST_TEST(lane[5] == 999'000'000);
  BOOST_TEST(text_of(data, lane[6]) == "serving");
}

BOOST_AUTO_TEST_CASE(failed_oracles_and_alerts_are_the_last_marks_to_go) {
  const json data = data_of(sim::render_timeline(crowded(1, 1, 7000), 4000));
  for (const mark_kind kind : {mark_kind::oracle, mark_kind::alert, mark_kind::supervisor}) {
    BOOST_TEST(marks_of(data, kind) == 1000u);
  }
  BOOST_TEST(marks_of(data, mark_kind::fault) == 998u);
  BOOST_TEST(marks_of(data, mark_kind::exit) == 0u);
}

BOOST_AUTO_TEST_CASE(a_long_table_is_cut_and_says_so) {
  sim::timeline run = small_run();
  for (int i = 0; i < 1500; ++i) run.marks.push_back({i * 1ms, 0s, "", mark_kind::alert, "again", ""});
  const std::string page = sim::render_timeline(run);
  BOOST_TEST(count_of(page, "<tr data-at") == 1000u);
  BOOST_TEST(count_of(page, "And 501 more.") == 1u);
}

BOOST_AUTO_TEST_CASE(a_text_of_any_length_is_cut_between_characters) {
  sim::timeline run = small_run();
  run.lanes[0].spans[0].reason = "x";
  for (int i = 0; i < 5000; ++i) run.lanes[0].spans[0].reason += "ü";
  const json data = data_of(sim::render_timeline(run));
  const std::string told = text_of(data, data["lanes"][0]["spans"][4]);
  BOOST_TEST(told.size() <= 4100u);
  BOOST_TEST(told.ends_with("üü…"));
}

BOOST_AUTO_TEST_CASE(a_run_without_anything_is_a_page_too) {
  const std::string page = sim::render_timeline(sim::timeline());
  const json data = data_of(page);
  BOOST_TEST(data["lanes"].empty());
  BOOST_TEST(data["length"] == 0);
  BOOST_TEST(count_of(page, "<h1>hale sim: a run</h1>") == 1u);
  BOOST_TEST(count_of(page, "There were none.") == 1u);
}

BOOST_AUTO_TEST_CASE(the_same_run_gives_the_same_page) {
  BOOST_TEST((sim::render_timeline(crowded(20, 300, 900), 2000) == sim::render_timeline(crowded(20, 300, 900), 2000)));
}
