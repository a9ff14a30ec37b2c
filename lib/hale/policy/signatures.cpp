#include "hale/policy/signatures.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

#include "hale/policy/signature_table.hpp"

// How a line is matched: every piece of text between two gaps is known by four of its letters, and a table, made by the
// compiler, leads from a hash of four letters to the pieces they may belong to. One pass over the line looks up each
// position, checks the few pieces it meets, and counts for each pattern how many of its pieces it has seen in order. No
// position is visited twice, so no line can make it slow.

namespace hale {
namespace {

using signature_table::rows;

constexpr std::size_t gram_bytes = 4;
constexpr std::size_t longest_gap_bytes = 64;
constexpr std::size_t line_bytes_max = 64 * 1024;

enum class gap : std::uint8_t { start, anything, no_blank };

struct piece {
  std::string_view text;
  std::uint32_t gram = 0;  ///< four folded bytes of it
  std::uint16_t next = 0;  ///< with the same hash; 0: none
  std::uint8_t pattern = 0;
  std::uint8_t position = 0;  ///< in its pattern
  std::uint8_t gram_offset = 0;
  gap before = gap::start;
  gap after = gap::start;  ///< the gap that follows; start: it is the last
  bool word_start = false;
  bool word_end = false;
};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_word(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c) || c == '_'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

constexpr std::uint32_t case_bits = 0x20202020;

constexpr std::uint32_t gram_at(std::string_view text, std::size_t at) {
  std::uint32_t gram = 0;
  for (std::size_t i = gram_bytes; i-- > 0;) gram = gram << 8 | static_cast<unsigned char>(text[at + i]);
  return gram | case_bits;
}

constexpr std::size_t heads_count = 4096;
constexpr std::size_t hash_of(std::uint32_t gram) { return gram * 2654435761U >> 20; }

/// Rare letters make good marks; a digit class makes none. By byte.
constexpr auto rarities = [] {
  constexpr std::string_view by_frequency = "etaoinsrldcumfpg hyb";
  std::array<int, 128> weights{};
  weights.fill(static_cast<int>(by_frequency.size()) + 4);
  for (std::size_t i = 0; i < by_frequency.size(); ++i) {
    weights[static_cast<std::size_t>(by_frequency[i])] = static_cast<int>(i);
  }
  weights['#'] = -1000;
  return weights;
}();

/// Where in the piece its rarest four letters begin; its size if there are none.
constexpr std::size_t best_gram(std::string_view text) {
  std::size_t best = text.size();
  int best_rarity = -1;
  int rarity = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    rarity += rarities[static_cast<std::size_t>(text[i])];
    if (i >= gram_bytes) rarity -= rarities[static_cast<std::size_t>(text[i - gram_bytes])];
    if (i + 1 < gram_bytes || rarity <= best_rarity) continue;
    best_rarity = rarity;
    best = i + 1 - gram_bytes;
  }
  return best;
}

constexpr std::size_t count_in_patterns(std::string_view marks) {
  std::size_t count = 0;
  for (const auto& row : rows) {
    for (char c : row.patterns) {
      for (char mark : marks) count += c == mark ? 1 : 0;
    }
    count += row.patterns.empty() ? 0 : 1;
  }
  return count;
}

constexpr std::size_t pattern_count = count_in_patterns("|");
constexpr std::size_t piece_count = count_in_patterns("|*~");
static_assert(pattern_count < 256 && rows.size() < 256);

struct compiled_table {
  std::array<std::uint16_t, heads_count> heads{};    ///< by hash: the first piece
  std::array<piece, piece_count + 1> pieces{};       ///< from 1
  std::array<std::uint8_t, pattern_count> row_of{};  ///< by pattern
  bool sound = true;
};

/// Cuts the edges of words off a piece and chooses its mark.
constexpr piece make_piece(std::string_view text) {
  piece made;
  if (text.starts_with('<')) {
    made.word_start = true;
    text.remove_prefix(1);
  }
  if (text.ends_with('>')) {
    made.word_end = true;
    text.remove_suffix(1);
  }
  made.text = text;
  const std::size_t at = best_gram(text);
  made.gram_offset = static_cast<std::uint8_t>(at);
  if (at + gram_bytes <= text.size()) made.gram = gram_at(text, at);
  return made;
}

constexpr compiled_table compile() {
  compiled_table table;
  std::size_t pattern = 0;
  std::size_t used = 1;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string_view left = rows[r].patterns;
    std::uint8_t position = 0;
    gap before = gap::start;
    while (!left.empty()) {
      std::size_t end = 0;
      while (end < left.size() && left[end] != '|' && left[end] != '*' && left[end] != '~') ++end;
      const char mark = end < left.size() ? left[end] : '|';
      piece& made = table.pieces[used];
      made = make_piece(left.substr(0, end));
      made.pattern = static_cast<std::uint8_t>(pattern);
      made.position = position++;
      made.before = before;
      made.after = mark == '*' ? gap::anything : mark == '~' ? gap::no_blank : gap::start;
      // What a gap without blanks follows may be met again, later: that needs nothing remembered from before it.
      if (made.gram == 0 || (before == gap::no_blank && made.after == gap::no_blank)) table.sound = false;
      for (char c : made.text) table.sound = table.sound && c == lower(c);
      before = made.after;
      if (mark == '|') {
        table.row_of[pattern++] = static_cast<std::uint8_t>(r);
        position = 0;
      }
      made.next = std::exchange(table.heads[hash_of(made.gram)], static_cast<std::uint16_t>(used++));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
  table.sound = table.sound && pattern == pattern_count && used == piece_count + 1;
  return table;
}

constexpr compiled_table table = compile();
static_assert(table.sound, "a piece of a pattern has capitals or too little text, or two gaps without blanks meet");
static_assert(sizeof(table) < 32 * 1024);

constexpr auto all_signatures = [] {
  std::array<signature, rows.size()> all;
  for (std::size_t i = 0; i < rows.size(); ++i) all[i] = rows[i].meaning;
  return all;
}();

constexpr int telling(const signature& what) {
  if (what.generic_trailer) return 0;
  if (what.restart == restart_class::none) return 1;
  return what.vague ? 2 : 3;
}

bool text_at(const piece& sought, std::string_view line, std::size_t start) {
  for (std::size_t i = 0; i < sought.text.size(); ++i) {
    const char wanted = sought.text[i];
    const char found = line[start + i];
    if (wanted == '#' ? !is_digit(found) : wanted != lower(found)) return false;
  }
  const std::size_t end = start + sought.text.size();
  if (sought.word_start && start > 0 && is_word(line[start - 1])) return false;
  return !(sought.word_end && end < line.size() && is_word(line[end]));
}

struct finding {
  const signature* what = nullptr;
  std::size_t end = 0;  ///< of the words that match
};

/// One pass over one line.
class matcher {
 public:
  matcher(std::string_view line, line_source source) : line_(line), kernel_(source == line_source::kernel) {}

  finding run() {
    if (line_.size() < gram_bytes) return {};
    for (std::size_t at = 0; at + gram_bytes <= line_.size(); ++at) {
      std::uint32_t gram = 0;
      std::memcpy(&gram, line_.data() + at, gram_bytes);
      gram |= case_bits;
      for (std::uint16_t i = table.heads[hash_of(gram)]; i != 0; i = table.pieces[i].next) {
        if (table.pieces[i].gram == gram) consider(table.pieces[i], at);
      }
    }
    return best_;
  }

 private:
  void consider(const piece& met, std::size_t at) {
    std::uint8_t& seen = seen_[met.pattern];
    const bool next = seen == met.position;
    const bool again = met.after == gap::no_blank && seen == met.position + 1;
    if (!next && !again) return;
    if (at < met.gram_offset) return;
    const std::size_t start = at - met.gram_offset;
    const std::size_t end = start + met.text.size();
    if (end > line_.size() || (seen > 0 && start < end_[met.pattern])) return;
    if (next && met.before == gap::no_blank && !gap_is_solid(end_[met.pattern], start)) return;
    if (!text_at(met, line_, start)) return;
    end_[met.pattern] = static_cast<std::uint32_t>(end);
    if (next) ++seen;
    if (met.after == gap::start) found(rows[table.row_of[met.pattern]].meaning, table.row_of[met.pattern], end);
  }

  bool gap_is_solid(std::size_t from, std::size_t to) const {
    if (to - from > longest_gap_bytes) return false;
    return std::none_of(line_.begin() + from, line_.begin() + to, is_blank);
  }

  void found(const signature& meaning, std::size_t row, std::size_t end) {
    if (meaning.from_kernel != kernel_) return;
    const std::size_t rank = (3 - static_cast<std::size_t>(telling(meaning))) * rows.size() + row;
    if (best_.what != nullptr && rank >= best_rank_) return;
    best_ = {&all_signatures[row], end};
    best_rank_ = rank;
  }

  std::string_view line_;
  bool kernel_;
  finding best_;
  std::size_t best_rank_ = 0;
  std::array<std::uint8_t, pattern_count> seen_{};  ///< pieces met so far, by pattern
  std::array<std::uint32_t, pattern_count> end_;    ///< of the last of them
};
static_assert(std::endian::native == std::endian::little, "gram_at and memcpy must agree");

/// The row that the code of an Xid line asks for: "…(PCI:0000:01:00): 79, …".
const signature* xid_signature(std::string_view line) {
  constexpr std::string_view before_code = "): ";
  const std::size_t at = line.find(before_code);
  unsigned code = 0;
  for (std::size_t i = std::min(at, line.size()) + before_code.size();
       i < line.size() && is_digit(line[i]) && code < 1000; ++i) {
    code = code * 10 + static_cast<unsigned>(line[i] - '0');
  }
  for (const auto& rule : signature_table::xid_rules) {
    const auto names_it = [code](std::uint8_t listed) { return listed != 0 && listed == code; };
    if (std::any_of(rule.codes.begin(), rule.codes.end(), names_it)) return signature_named(rule.name);
  }
  return signature_named("xid");
}

/// Ollama recovers from what such a line tells.
bool says_recovered(std::string_view line) {
  constexpr std::string_view ending = "retrying without pipeline parallelism";
  constexpr std::string_view colour_off = "\x1b[0m";
  const auto trim = [&line] {
    while (!line.empty() && (is_blank(line.back()) || line.back() == '\r' || line.back() == '\n' ||
                             line.back() == '.' || line.back() == '"')) {
      line.remove_suffix(1);
    }
  };
  trim();
  if (line.ends_with(colour_off)) line.remove_suffix(colour_off.size());
  trim();
  if (line.size() < ending.size()) return false;
  const std::string_view tail = line.substr(line.size() - ending.size());
  return std::equal(tail.begin(), tail.end(), ending.begin(), [](char a, char b) { return lower(a) == b; });
}

finding find(std::string_view line, line_source source) {
  finding found = matcher(line.substr(0, line_bytes_max), source).run();
  if (found.what == nullptr) return found;
  if (found.what->cause == cause::gpu_oom && says_recovered(line)) return {};
  if (found.what->number == 44) found.what = xid_signature(line);
  return found;
}

/// As much of the line as is kept, with the words that matched, and nothing that a terminal would obey.
std::string excerpt(std::string_view line, std::size_t match_end) {
  constexpr std::size_t limit = signature_scanner::line_limit_bytes;
  if (match_end > limit)
    line.remove_prefix(std::min(match_end - limit / 2, line.size() - std::min(limit, line.size())));
  std::string kept;
  for (std::size_t i = 0; i < line.size() && kept.size() < limit; ++i) {
    if (line.substr(i).starts_with("\x1b[")) {
      i = std::min(line.find_first_not_of("0123456789;", i + 2), line.size());
    } else {
      const bool control = static_cast<unsigned char>(line[i]) < 0x20 || line[i] == 0x7f;
      kept += control ? ' ' : line[i];
    }
  }
  // Not in the middle of a UTF-8 character.
  if (kept.size() == limit) {
    std::size_t end = limit;
    while (end > limit - 4 && (static_cast<unsigned char>(kept[end - 1]) & 0xc0) == 0x80) --end;
    if ((static_cast<unsigned char>(kept[end - 1]) & 0xc0) == 0xc0) kept.resize(end - 1);
  }
  return kept;
}

}  // namespace

std::string_view to_string(restart_class value) noexcept {
  switch (value) {
    case restart_class::restart: return "restart";
    case restart_class::once: return "once";
    case restart_class::hold: return "hold";
    case restart_class::none: return "none";
  }
  return "unknown";
}

std::span<const signature> signatures() noexcept { return all_signatures; }

const signature* signature_named(std::string_view name) noexcept {
  const auto found = std::find_if(all_signatures.begin(), all_signatures.end(),
                                  [name](const signature& candidate) { return candidate.name == name; });
  return found == all_signatures.end() ? nullptr : &*found;
}

const signature* match_signature(std::string_view line, line_source source) noexcept { return find(line, source).what; }

bool signature_scanner::fresh(const candidate& known) const noexcept {
  return lines_ - known.line_number <= window_lines;
}

std::optional<signature_match> signature_scanner::scan_line(std::string_view line) {
  ++lines_;
  const finding found = find(line, line_source::process);
  if (found.what == nullptr) return std::nullopt;
  signature_match match{found.what, excerpt(line, found.end)};
  if (best_ == nullptr || !fresh(*best_) || telling(*found.what) > telling(*best_->match.what)) {
    best_ = std::make_unique<candidate>(candidate{match, lines_});
  }
  return match;
}

std::optional<signature_match> signature_scanner::best() const {
  if (best_ == nullptr || !fresh(*best_)) return std::nullopt;
  return best_->match;
}

void signature_scanner::reset() noexcept {
  best_.reset();
  lines_ = 0;
}

}  // namespace hale
