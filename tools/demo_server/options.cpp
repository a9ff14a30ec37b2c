#include "options.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace demo {
namespace {

constexpr char help_text[] =
    "usage: hale-demo-server --port P [option]…\n"
    "A model server without a model. It answers as llama.cpp's server does, and fails as real ones do.\n"
    "\n"
    "  --port P                 listen on 127.0.0.1:P (default: $PORT)\n"
    "  --name NAME              what it calls itself in its log\n"
    "  --model PATH             a missing file ends it as llama.node ends: a line, then SIGSEGV\n"
    "  --load-time D            answers 503 \"Loading model\" for that long\n"
    "  --load-memory SIZE       touches that much memory while loading\n"
    "  --load-log-interval D    one progress line each D while loading (default 500ms; 0s: none)\n"
    "  --heartbeat              sends READY=1 and WATCHDOG=1 to $NOTIFY_SOCKET\n"
    "  --ignore-term            ignores SIGTERM\n"
    "  --stop-delay D           takes that long to obey SIGTERM\n"
    "  --grandchild             forks a process that ignores SIGTERM and holds the port (for two minutes at most)\n"
    "  --oom-bound SIZE         where the oom fault gives up if nothing has killed it (default 1GiB)\n"
    "  --fault KIND             a fault in effect from the start\n"
    "  --fault-schedule LIST    such as crash@20s,hang@35s,oom@50s; each happens once\n"
    "  --schedule-epoch NS      CLOCK_MONOTONIC nanoseconds the schedule counts from (default: its own start);\n"
    "                           faults that were due before its start are over\n"
    "\n"
    "GET /health /metrics /v1/models, POST /v1/completions, /fault/KIND with KIND one of:\n"
    "  the process   crash abort exit?code=N kill stop hang spin leak?mb=N oom grandchild mute deaf log?text=…\n"
    "  the answers   garbage drip endless_headers huge early_close reset silent slow?ms=N\n"
    "                loading not_found unauthorized error\n"
    "  the model     wedge wrong_answer\n"
    "  none          ends those of the last two lines\n";

template <class Number>
Number parse_number(std::string_view text, const char* what) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw std::invalid_argument(std::string(what) + " expected, got '" + std::string(text) + "'");
  return value;
}

struct unit {
  std::string_view suffix;
  std::uint64_t factor;
};

template <std::size_t N>
std::uint64_t parse_with_unit(std::string_view text, const unit (&units)[N], const char* what) {
  for (const unit& candidate : units) {
    if (text.ends_with(candidate.suffix))
      return parse_number<std::uint64_t>(text.substr(0, text.size() - candidate.suffix.size()), what) *
             candidate.factor;
  }
  throw std::invalid_argument(std::string(what) + " expected, got '" + std::string(text) + "'");
}

std::vector<scheduled_fault> parse_schedule(std::string_view text) {
  std::vector<scheduled_fault> schedule;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t at = entry.rfind('@');
    if (at == std::string_view::npos)
      throw std::invalid_argument("KIND@TIME expected in the fault schedule, got '" + std::string(entry) + "'");
    fault what = parse_fault(entry.substr(0, at));
    if (what.kind == fault_kind::unknown)
      throw std::invalid_argument("no fault is called '" + std::string(entry.substr(0, at)) + "'");
    schedule.push_back({std::move(what), parse_duration(entry.substr(at + 1))});
  }
  return schedule;
}

/// Walks over the words; an option's value is the rest after '=' or the next word.
class word_reader {
 public:
  explicit word_reader(const std::vector<std::string>& words) : words_(words) {}

  bool next() {
    if (index_ == words_.size()) return false;
    const std::string& word = words_[index_++];
    const std::size_t equals = word.find('=');
    name = word.substr(0, equals);
    inline_value_ = equals == std::string::npos ? std::nullopt : std::optional(word.substr(equals + 1));
    return true;
  }

  std::string value() {
    if (inline_value_) return *inline_value_;
    if (index_ == words_.size()) throw std::invalid_argument(name + " needs a value");
    return words_[index_++];
  }

  std::string name;

 private:
  const std::vector<std::string>& words_;
  std::size_t index_ = 0;
  std::optional<std::string> inline_value_;
};

bool apply_switch(options& to, const std::string& name) {
  if (name == "--heartbeat") return to.heartbeat = true;
  if (name == "--ignore-term") return to.ignore_term = true;
  if (name == "--grandchild") return to.grandchild = true;
  return false;
}

void apply_option(options& to, word_reader& words) {
  const std::string& name = words.name;
  if (name == "--port") {
    to.port = parse_number<std::uint16_t>(words.value(), "a port");
  } else if (name == "--name") {
    to.name = words.value();
  } else if (name == "--model") {
    to.model = words.value();
    to.model_must_exist = true;
  } else if (name == "--load-time") {
    to.load_time = parse_duration(words.value());
  } else if (name == "--load-memory") {
    to.load_memory_bytes = parse_size(words.value());
  } else if (name == "--load-log-interval") {
    to.load_log_interval = parse_duration(words.value());
  } else if (name == "--stop-delay") {
    to.stop_delay = parse_duration(words.value());
  } else if (name == "--oom-bound") {
    to.oom_bound_bytes = parse_size(words.value());
  } else if (name == "--fault") {
    to.first_fault = words.value();
    if (parse_fault(to.first_fault).kind == fault_kind::unknown)
      throw std::invalid_argument("no fault is called '" + to.first_fault + "'");
  } else if (name == "--fault-schedule") {
    to.schedule = parse_schedule(words.value());
  } else if (name == "--schedule-epoch") {
    to.epoch = clock::time_point(std::chrono::nanoseconds(parse_number<std::int64_t>(words.value(), "nanoseconds")));
  } else {
    throw std::invalid_argument("unknown option '" + name + "'");
  }
}

}  // namespace

milliseconds parse_duration(std::string_view text) {
  static constexpr unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  return milliseconds(parse_with_unit(text, units, "a duration with a unit, such as 500ms,"));
}

std::uint64_t parse_size(std::string_view text) {
  static constexpr unit units[] = {{"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"", 1}};
  return parse_with_unit(text, units, "a size, such as 64MiB,");
}

std::optional<options> parse_options(const std::vector<std::string>& words) {
  options result;
  word_reader reader(words);
  while (reader.next()) {
    if (reader.name == "--help") {
      std::fputs(help_text, stdout);
      return std::nullopt;
    }
    if (!apply_switch(result, reader.name)) apply_option(result, reader);
  }
  if (result.port == 0) {
    const char* port = std::getenv("PORT");
    if (port == nullptr) throw std::invalid_argument("--port is needed");
    result.port = parse_number<std::uint16_t>(port, "a port in $PORT");
  }
  return result;
}

}  // namespace demo
