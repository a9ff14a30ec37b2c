// The picture of a run: every instance as a lane, its states as colours along time, and what was done to it and about
// it as marks. It is one HTML document that needs nothing else, neither a file nor a network.
//
//     write(path, render_timeline(picture));
//
// Texts may be anything: names and reasons come from cluster files and from what children print, and none of it is
// ever read as HTML or as a script.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hale/base/time.hpp"

namespace hale::sim {

/// Lasts until the next span of its lane, or to the end.
struct timeline_span {
  duration from{};     ///< all times: since the start of the run
  std::string state;   ///< as to_string(instance_state) has it
  std::string health;  ///< as to_string(health_status) has it; empty unless serving
  std::string cause;
  std::string reason;
};

/// REQUIRES: spans in the order of time.
struct timeline_lane {
  std::string service;
  std::string instance;
  std::vector<timeline_span> spans;
};

enum class mark_kind { fault, action, alert, alert_resolved, exit, oracle, supervisor };

struct timeline_mark {
  duration at{};
  duration lasts{};      ///< beyond the end: to the end
  std::string instance;  ///< empty: the whole cluster; so is one that has no lane, but its name is shown
  mark_kind kind = mark_kind::fault;
  std::string name;
  std::string text;
};

struct timeline_phase {
  std::string name;
  duration from{};
};

/// Marks may be in any order, phases are in the order of time, and lanes of one service lie next to each other.
struct timeline {
  std::string cluster;
  std::string title;
  std::string seed;
  std::string trace;
  std::string verdict;  ///< "clean", or the failed oracle and what it said
  duration length{};
  std::vector<timeline_phase> phases;
  std::vector<timeline_lane> lanes;
  std::vector<timeline_mark> marks;
};

/// How many spans and marks a page holds: as much as a browser draws without effort.
inline constexpr std::size_t timeline_limit = 200'000;

/// One self-contained HTML document. Beyond `limit` spans and marks it is thinned, and says by how much: short states
/// that follow on each other become one span "many changes", and marks are left out, those of the kinds that matter
/// least first. A lane keeps one span at least.
std::string render_timeline(const timeline& picture, std::size_t limit = timeline_limit);

}  // namespace hale::sim
