// What a child prints, any bytes in any pieces: it is cut into lines that lose nothing, each line may mean something,
// and whatever is shown or told of it is one harmless line of valid UTF-8. Choices: whether to make one long line of it
// too, pieces.
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/line_splitter.hpp"
#include "hale/policy/signatures.hpp"
#include "hale/record/event_line.hpp"
#include "hale/record/followed_log_store.hpp"
#include "hale/record/json_fields.hpp"
#include "hale/record/json_object.hpp"
#include "hale/record/utf8.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"

namespace {

using namespace hale;

std::vector<std::string> split(std::string_view text, fuzz::input::pieces pieces) {
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line, bool goes_on) {
    CHECK(line.size() <= line_splitter::max_line_bytes && !goes_on);
    lines.emplace_back(line);
  };
  line_splitter splitter;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, pieces());
    text.remove_prefix(piece.size());
    splitter.feed(piece, take);
  }
  splitter.finish(take);
  return lines;
}

// No bound on a line is met here: see long_lines().
void check_lines(std::string_view text, const std::vector<std::string>& lines) {
  std::string joined;
  for (const std::string& line : lines) joined += line + '\n';
  if (!text.empty() && text.back() != '\n') joined.pop_back();
  CHECK(joined == text);
}

// The same text many times over, as one line: it comes in pieces that, put together, are the line.
void check_long_line(std::string_view text, fuzz::input::pieces pieces) {
  std::string line;
  for (const char letter : text) {
    if (letter != '\n') line += letter;
  }
  if (line.empty()) return;
  while (line.size() <= 2 * line_splitter::max_line_bytes) line += line;
  line_splitter splitter;
  std::string joined;
  std::size_t whole = 0;
  const auto take = [&](std::string_view part, bool goes_on) {
    CHECK(part.size() <= line_splitter::max_line_bytes);
    CHECK(!goes_on || part.size() == line_splitter::max_line_bytes);
    joined += part;
    whole += goes_on ? 0 : 1;
  };
  std::string_view rest = line;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, std::min<std::size_t>(rest.size(), pieces() * 100));
    rest.remove_prefix(piece.size());
    splitter.feed(piece, take);
  }
  splitter.feed("\n", take);
  splitter.finish([](std::string_view, bool) { CHECK(false); });
  CHECK(joined == line && whole == 1);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::string_view before = text;
    if (take_code_point(text) != replacement_character) continue;
    if (!before.starts_with("\xEF\xBF\xBD")) return false;
  }
  return true;
}

void check_shown(const std::string& line) {
  constexpr std::size_t bound = 100;
  const std::string shown = printable(line, bound);
  CHECK(is_utf8(shown) && shown.size() <= bound + 20);
  for (const char letter : shown) CHECK(static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7F);

  std::string object;
  json_object(object).text("line", line).close();
  CHECK(is_utf8(object) && object.find('\n') == std::string::npos);
  const auto parsed = parse_json_object(object);
  CHECK(parsed.has_value());
  std::string read;
  json_fields(*parsed).text("line", read);
  CHECK(!is_utf8(line) || read == line);

  log_line kept;
  kept.text = line;
  CHECK(kept_form(kept).ends_with(line));
}

void check_meaning(const std::vector<std::string>& lines) {
  signature_scanner scanner;
  bool any = false;
  for (const std::string& line : lines) {
    const auto match = scanner.scan_line(line);
    CHECK(match.has_value() == (match_signature(line) != nullptr));
    if (!match) continue;
    any = true;
    CHECK(match->what == match_signature(line) && !match->what->from_kernel);
    CHECK(!match->line.empty() && match->line.size() <= signature_scanner::line_limit_bytes);
    for (const char letter : match->line) CHECK(static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7F);
    CHECK(scanner.best().has_value());
  }
  if (lines.size() < signature_scanner::window_lines) CHECK(scanner.best().has_value() == any);
  scanner.reset();
  CHECK(!scanner.best().has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const bool long_line = in.flip();
  const fuzz::input::pieces pieces = in.rest_as_pieces();
  if (in.text().size() > line_splitter::max_line_bytes) return 0;
  const std::vector<std::string> lines = split(in.text(), pieces);
  check_lines(in.text(), lines);
  check_meaning(lines);
  for (const std::string& line : lines) check_shown(line);
  if (long_line) check_long_line(in.text().substr(0, 256), pieces);
  return 0;
}
