#include "hale/sim/core/tape.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include "hale/sim/core/mix.hpp"

namespace hale::sim {
namespace {

constexpr std::string_view version_line = "hale-tape 1";
constexpr std::size_t longest_line = 100;
constexpr std::uint64_t check_range = 1u << 24;

std::string check_of(std::string_view text) { return fmt::format("~{:06x}", mix(hash_text(text)) % check_range); }

std::string value_text(std::uint64_t value, std::size_t count) {
  return count > 1 ? fmt::format(" {}*{}", value, count) : fmt::format(" {}", value);
}

/// The lines of one stream, without their checks.
std::vector<std::string> lines_of(const tape::label_stream& stream) {
  std::vector<std::string> lines;
  const std::string head = fmt::format("{} =", stream.label);
  std::string line = head;
  const auto& values = stream.values;
  for (std::size_t at = 0; at < values.size();) {
    std::size_t same = 1;
    while (at + same < values.size() && values[at + same] == values[at]) ++same;
    const std::string piece = value_text(values[at], same);
    if (line.size() + piece.size() > longest_line && line.size() > head.size()) {
      lines.push_back(line);
      line = head;
    }
    line += piece;
    at += same;
  }
  if (line.size() > head.size()) lines.push_back(line);
  return lines;
}

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// Reads `VALUE` or `VALUE*COUNT` words.
std::optional<std::string> read_values(std::string_view words, std::vector<std::uint64_t>& into) {
  constexpr std::size_t most_values = std::size_t{1} << 28;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    if (word.empty()) continue;
    const std::size_t star = word.find('*');
    std::uint64_t value = 0;
    std::size_t count = 1;
    const bool counted = star == std::string_view::npos || (parse_number(word.substr(star + 1), count) && count > 0);
    if (!parse_number(word.substr(0, star), value) || !counted) return fmt::format("\"{}\" is not a value", word);
    if (count > most_values || into.size() + count > most_values) {
      return std::string("more values than a tape may have");
    }
    into.insert(into.end(), count, value);
  }
  return std::nullopt;
}

class tape_reader {
 public:
  explicit tape_reader(std::string_view text) : left_(text) {}

  result<tape, tape_error> read() {
    if (left_.empty()) return tape();
    if (next_line() != version_line) {
      return wrong(line_.starts_with("hale-tape ")
                       ? fmt::format("\"{}\" is of another version; this hale reads \"{}\"", line_, version_line)
                       : fmt::format("not a tape: it does not begin with \"{}\"", version_line));
    }
    whole_ = hash_text(line_);
    while (!left_.empty()) {
      next_line();
      if (line_.starts_with("end ")) return read_end();
      if (auto failed = read_line()) return wrong(*failed);
      whole_ = mix(whole_ ^ hash_text(line_));
    }
    return wrong("the tape is cut off: its last line must begin with \"end\"");
  }

 private:
  std::string_view next_line() {
    const std::size_t end = left_.find('\n');
    line_ = left_.substr(0, end);
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
    ++number_;
    return line_;
  }

  tape_error wrong(std::string message) const {
    return tape_error{std::max<std::size_t>(number_, 1), std::move(message)};
  }

  std::optional<std::string> read_line() {
    if (line_.starts_with("options ") && lines_ == 0) {
      made_.options = line_.substr(8);
      return std::nullopt;
    }
    const std::size_t check = line_.rfind(" ~");
    if (check == std::string_view::npos) return std::string("the line has no check at its end");
    const std::string_view body = line_.substr(0, check);
    if (check_of(body) != line_.substr(check + 1)) return std::string("the line was changed: its check does not fit");
    const std::size_t equals = body.find(" =");
    if (equals == std::string_view::npos || equals == 0) return std::string("expected \"LABEL = VALUES\"");
    ++lines_;
    return read_values(body.substr(equals + 2), made_.streams()[made_.stream(body.substr(0, equals))].values);
  }

  result<tape, tape_error> read_end() {
    const std::string expected = fmt::format("end {} {}", lines_, check_of(std::to_string(whole_)));
    if (line_ != expected) return wrong("lines before this one were taken out, added or changed");
    if (!left_.empty()) return wrong("there is something after the end");
    return std::move(made_);
  }

  std::string_view left_;
  std::string_view line_;
  std::size_t number_ = 0;
  std::size_t lines_ = 0;
  std::uint64_t whole_ = 0;
  tape made_;
};

}  // namespace

std::size_t tape::stream(std::string_view label) {
  const auto known = std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s.label == label; });
  if (known != streams_.end()) return static_cast<std::size_t>(known - streams_.begin());
  streams_.push_back(label_stream{std::string(label), {}});
  return streams_.size() - 1;
}

const std::vector<std::uint64_t>* tape::find(std::string_view label) const noexcept {
  const auto known = std::find_if(streams_.begin(), streams_.end(), [&](const auto& s) { return s.label == label; });
  return known == streams_.end() ? nullptr : &known->values;
}

void tape::normalise() {
  for (label_stream& one : streams_) {
    while (!one.values.empty() && one.values.back() == 0) one.values.pop_back();
  }
  std::erase_if(streams_, [](const label_stream& one) { return one.values.empty(); });
  std::sort(streams_.begin(), streams_.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
}

std::size_t tape::weight() const noexcept {
  std::size_t count = 0;
  for (const label_stream& one : streams_) {
    const auto zeros = std::count(one.values.begin(), one.values.end(), std::uint64_t{0});
    count += one.values.size() - static_cast<std::size_t>(zeros);
  }
  return count;
}

std::string tape::to_text() const {
  tape shown = *this;
  shown.normalise();
  std::string text = fmt::format("{}\n", version_line);
  std::uint64_t whole = hash_text(version_line);
  const auto add = [&](const std::string& line) {
    text += line + "\n";
    whole = mix(whole ^ hash_text(line));
  };
  if (!options.empty()) add(fmt::format("options {}", options));
  std::size_t count = 0;
  for (const label_stream& one : shown.streams_) {
    for (const std::string& line : lines_of(one)) {
      add(fmt::format("{} {}", line, check_of(line)));
      ++count;
    }
  }
  return text + fmt::format("end {} {}\n", count, check_of(std::to_string(whole)));
}

result<tape, tape_error> tape::parse(std::string_view text) { return tape_reader(text).read(); }

}  // namespace hale::sim
