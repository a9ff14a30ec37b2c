// The small grammars: durations, sizes, times, addresses, request targets, placeholders and names, and the form of
// `hale run` without a file. Each line of the text is read as all of them. What is read is within its bounds and,
// written again, is read as the same.
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/error.hpp"
#include "hale/base/ip_address.hpp"
#include "hale/base/text.hpp"
#include "hale/config/command_line_spec.hpp"
#include "hale/config/signal_name.hpp"
#include "hale/heal/placeholder.hpp"
#include "hale/heal/validate.hpp"
#include "hale/wire/url.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"

namespace {

using namespace hale;

// Showing cuts off, and what was cut off once stays as it is.
template <class Value, class Read, class Show>
void check_shown(Value value, Read&& read, Show&& show) {
  const std::string shown = show(value);
  const auto again = read(shown);
  CHECK(again.has_value() && *again <= value && show(*again) == shown);
}

void check_quantities(std::string_view text) {
  if (const auto value = parse_duration(text)) {
    CHECK(*value >= duration::zero());
    check_shown(*value, parse_duration, format_duration);
  }
  if (const auto value = parse_size(text)) {
    const auto again = parse_size(format_size(*value));
    CHECK(again.has_value() && *again <= *value);
  }
  if (const auto value = parse_rfc3339(text)) check_shown(*value, parse_rfc3339, to_rfc3339);
}

void check_target(std::string_view text) {
  const auto target = parse_target(text);
  if (!target) {
    CHECK(target.error() == errc::malformed || target.error() == errc::too_large);
    return;
  }
  std::string again;
  for (const std::string& segment : target->path) {
    CHECK(!segment.empty() && segment != "." && segment != ".." && segment.find('\0') == std::string::npos);
    again += '/' + percent_encode(segment);
  }
  if (again.empty()) again = "/";
  for (const auto& [name, value] : target->query) {
    again += again.find('?') == std::string::npos ? '?' : '&';
    again += percent_encode(name) + '=' + percent_encode(value);
  }
  const auto reread = parse_target(again);
  if (again.size() > 8 * 1024) return;
  CHECK(reread.has_value() && reread->path == target->path && reread->query == target->query);
}

void check_encoding(std::string_view text) {
  if (text.empty() || text == "." || text == ".." || text.size() > 2000) return;
  const auto target = parse_target("/" + percent_encode(text));
  const bool has_nul = text.find('\0') != std::string_view::npos;
  CHECK(target.has_value() == !has_nul);
  if (target) CHECK(target->path.size() == 1 && target->path.front() == text);
}

void check_placeholder(std::string_view text) {
  placeholder_values values;
  values.port = 11434;
  values.name = "llama-1";
  const auto mistake = check_placeholders(text);
  const auto expanded = expand_placeholders(text, values);
  CHECK(expanded.has_value() == !mistake.has_value());
  if (mistake) CHECK(mistake->offset < text.size() && text[mistake->offset] == '{' && !mistake->message.empty());
  if (!mistake && text.find('{') == std::string_view::npos) {
    CHECK(expanded->size() <= text.size());
  }
}

void check_names(std::string_view text) {
  if (is_ip_address(text)) CHECK(text.find_first_not_of("0123456789abcdefABCDEF.:") == std::string_view::npos);
  if (const auto number = signal_from_name(text)) CHECK(*number >= 1 && *number <= 64);
  if (name_fault(text).empty()) CHECK(!text.empty() && text.find_first_of("/\\ \n{}") == std::string_view::npos);
}

void check_command_line(const std::vector<std::string>& words) {
  command_line line;
  for (const std::string& word : words) {
    const std::string value = word.substr(std::min<std::size_t>(1, word.size()));
    const char letter = word.empty() ? ' ' : word.front();
    const auto number = static_cast<std::int64_t>(value.size() * value.size());
    if (letter == 'N') line.name = value;
    if (letter == 'n') line.names.push_back(value);
    if (letter == 'c') line.count = number;
    if (letter == 'b') line.base_port = number * 100;
    if (letter == 'o') line.port_offset = number;
    if (letter == 'h') line.health = value;
    if (letter == 'e') line.env.push_back(value);
    if (letter == ' ') line.command.push_back(value);
  }
  const parsed_command_line parsed = make_cluster(line);
  CHECK(parsed.spec.has_value() == parsed.errors.empty());
  if (parsed.spec) CHECK(validate(*parsed.spec).empty());
  if (!line.command.empty()) CHECK(name_fault(name_from_command(line.command)).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::as_text(data, size);
  std::vector<std::string> words;
  while (!text.empty() && words.size() < 64) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    words.emplace_back(line);
    check_quantities(line);
    check_target(line);
    check_encoding(line);
    check_placeholder(line);
    check_names(line);
  }
  check_command_line(words);
  return 0;
}
