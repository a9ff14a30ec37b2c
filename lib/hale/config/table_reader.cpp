#include "hale/config/table_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "hale/base/text.hpp"
#include "hale/config/signal_name.hpp"

namespace hale {
namespace {

using kind = document_node::kind;

constexpr std::string_view a_duration = R"(a duration such as "500ms", "30s" or "1m30s")";
constexpr std::string_view a_size = R"(a size such as "512MiB" or "8GiB")";

std::string clipped(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string shown;
  for (const char c : text.substr(0, most)) shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  while (text.size() > most && !shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xc0) == 0x80) {
    shown.pop_back();  // not half a character before the dots
  }
  return shown + (text.size() > most ? "…" : "");
}

std::string describe(const document_node& node) {
  switch (node.type) {
    case kind::text: return fmt::format("\"{}\"", clipped(node.text));
    case kind::integer: return fmt::format("{}", node.integer);
    case kind::real: return fmt::format("{}", node.real);
    case kind::flag: return node.flag ? "true" : "false";
    case kind::time: return "a date or time";
    case kind::array: return "an array";
    case kind::table: return "a table";
  }
  return "something else";
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// The number in front and the letters behind of what was meant as a quantity, spaces left out.
struct meant {
  std::string number;
  std::string unit;
};

meant split_quantity(std::string_view text) {
  meant parts;
  for (const char c : text) {
    if (c == ' ' || c == '_') continue;
    const bool digit = (c >= '0' && c <= '9') || c == '.';
    (digit && parts.unit.empty() ? parts.number : parts.unit) += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return parts;
}

std::string duration_meant(std::string_view text) {
  const meant parts = split_quantity(text);
  static constexpr std::pair<std::string_view, std::string_view> words[] = {
      {"s", "s"},       {"sec", "s"},     {"secs", "s"}, {"second", "s"}, {"seconds", "s"}, {"m", "m"},
      {"min", "m"},     {"mins", "m"},    {"minute", "m"}, {"minutes", "m"}, {"h", "h"},    {"hr", "h"},
      {"hrs", "h"},     {"hour", "h"},    {"hours", "h"}, {"d", "d"},     {"day", "d"},     {"days", "d"},
      {"ms", "ms"},     {"msec", "ms"},   {"millis", "ms"}, {"milliseconds", "ms"}};
  for (const auto& [word, unit] : words) {
    if (word == parts.unit && parse_duration(parts.number + std::string(unit))) return parts.number + std::string(unit);
  }
  return {};
}

std::string size_meant(std::string_view text) {
  const meant parts = split_quantity(text);
  static constexpr std::pair<std::string_view, std::string_view> words[] = {
      {"k", "KiB"}, {"kib", "KiB"}, {"kb", "KB"}, {"m", "MiB"}, {"mib", "MiB"}, {"mb", "MB"}, {"g", "GiB"},
      {"gib", "GiB"}, {"gb", "GB"}, {"t", "TiB"}, {"tib", "TiB"}, {"tb", "TB"}, {"b", "B"}};
  for (const auto& [word, unit] : words) {
    if (word == parts.unit && parse_size(parts.number + std::string(unit))) return parts.number + std::string(unit);
  }
  return {};
}

// The text of a number as it stands in the file, near enough for a hint.
std::string number_text(const document_node& node) {
  if (node.type == kind::integer) return fmt::format("{}", node.integer);
  if (node.type == kind::real) return fmt::format("{}", node.real);
  return is_number(node.text) ? node.text : "";
}

// How to write what is meant at `node`, when it lacks its unit or spells it another way.
std::string quantity_hint(const document_node& node, std::string (*meant_by)(std::string_view), std::string_view unit) {
  const std::string number = number_text(node);
  if (!number.empty() && number.front() != '-') {
    return fmt::format("it has no unit: write \"{}{}\"", number, unit);
  }
  const std::string written = node.type == kind::text ? meant_by(node.text) : "";
  return written.empty() ? "" : fmt::format("write \"{}\"", written);
}

std::string integer_hint(const document_node& node) {
  const bool digits = node.type == kind::text && is_number(node.text) && node.text.find('.') == std::string::npos;
  return digits ? fmt::format("write {} without quotes", clipped(node.text)) : "";
}

std::string text_hint(const document_node& node) {
  const bool scalar = node.type == kind::integer || node.type == kind::real || node.type == kind::flag;
  return scalar ? fmt::format("write \"{}\"", describe(node)) : "";
}

}  // namespace

key_path table_reader::path_of(std::string_view key) const {
  key_path path = path_;
  path.emplace_back(key);
  return path;
}

const document_node* table_reader::find(std::string_view key) const {
  const auto found = std::find_if(table_.children.begin(), table_.children.end(),
                                  [&](const document_node& child) { return child.key == key; });
  return found == table_.children.end() ? nullptr : &*found;
}

const document_node* table_reader::take(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  const document_node* node = find(key);
  if (node != nullptr) report_.place(path_of(key), node->at);
  return node;
}

const document_node* table_reader::take(std::string_view key, kind wanted, std::string_view what) {
  const document_node* node = take(key);
  if (node == nullptr || node->type == wanted) return node;
  const std::string hint = wanted == kind::text      ? text_hint(*node)
                           : wanted == kind::integer ? integer_hint(*node)
                                                     : "";
  expected(path_of(key), *node, what, hint);
  return nullptr;
}

void table_reader::expected(const key_path& path, const document_node& node, std::string_view what,
                            std::string_view hint) {
  const std::string end = hint.empty() ? "" : fmt::format("; {}", hint);
  report_.error(path, node.at, fmt::format("expected {}, found {}{}", what, describe(node), end));
}

bool table_reader::read_text(std::string_view key, std::string& field) {
  const document_node* node = take(key, kind::text, "a string");
  if (node != nullptr) field = node->text;
  return node != nullptr;
}

bool table_reader::read_flag(std::string_view key, bool& field) {
  const document_node* node = take(key, kind::flag, "true or false");
  if (node != nullptr) field = node->flag;
  return node != nullptr;
}

bool table_reader::read_duration(std::string_view key, duration& field) {
  const document_node* node = take(key);
  if (node == nullptr) return false;
  if (node->type == kind::text) {
    if (const auto value = parse_duration(node->text)) {
      field = *value;
      return true;
    }
  }
  expected(path_of(key), *node, a_duration, quantity_hint(*node, duration_meant, "s"));
  return false;
}

bool table_reader::read_size(std::string_view key, std::uint64_t& field) {
  const document_node* node = take(key);
  if (node == nullptr) return false;
  if (node->type == kind::text) {
    if (const auto value = parse_size(node->text)) {
      field = *value;
      return true;
    }
  }
  expected(path_of(key), *node, a_size, quantity_hint(*node, size_meant, "GiB"));
  return false;
}

bool table_reader::read_share(std::string_view key, double& field) {
  const document_node* node = take(key);
  if (node == nullptr) return false;
  const double value = node->type == kind::integer ? static_cast<double>(node->integer) : node->real;
  const bool is_number = node->type == kind::integer || node->type == kind::real;
  if (!is_number || !(value >= 0 && value <= 1)) {
    expected(path_of(key), *node, "a share from 0 to 1");
    return false;
  }
  field = value;
  return true;
}

bool table_reader::read_integer(std::string_view key, std::int64_t& field) {
  const document_node* node = take(key, kind::integer, "a whole number");
  if (node != nullptr) field = node->integer;
  return node != nullptr;
}

bool table_reader::read_count(std::string_view key, std::uint32_t& field) {
  std::int64_t value = 0;
  if (!read_integer(key, value)) return false;
  if (value < 0) {
    error(key, fmt::format("expected a whole number that is not negative, found {}", value));
    return false;
  }
  field = static_cast<std::uint32_t>(std::min<std::int64_t>(value, std::numeric_limits<std::uint32_t>::max()));
  return true;
}

bool table_reader::read_signal(std::string_view key, int& field) {
  const document_node* node = take(key);
  if (node == nullptr) return false;
  if (node->type == kind::integer && node->integer >= 1 && node->integer <= 64) {
    field = static_cast<int>(node->integer);
    return true;
  }
  const auto number = node->type == kind::text ? signal_from_name(node->text) : std::nullopt;
  if (!number) {
    const std::string nearest = node->type == kind::text ? nearest_signal_name(node->text) : "";
    const std::string hint = nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest);
    expected(path_of(key), *node, R"(a signal such as "TERM", or a number from 1 to 64)", hint);
    return false;
  }
  field = *number;
  return true;
}

bool table_reader::read_texts(std::string_view key, std::vector<std::string>& field) {
  const document_node* node = take(key, kind::array, "an array of strings");
  if (node == nullptr) return false;
  std::vector<std::string> texts;
  bool well = true;
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    const document_node& child = node->children[i];
    key_path path = path_of(key);
    path.push_back(std::to_string(i));
    report_.place(path, child.at);
    if (child.type != kind::text) {
      expected(path, child, "a string", text_hint(child));
      well = false;
    }
    texts.push_back(child.text);
  }
  if (well) field = std::move(texts);
  if (!well) report_.mark_broken(path_of(key));
  return well;
}

bool table_reader::read_integers(std::string_view key, std::vector<std::int64_t>& field) {
  const document_node* node = take(key, kind::array, "an array of whole numbers");
  if (node == nullptr) return false;
  std::vector<std::int64_t> integers;
  bool well = true;
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    const document_node& child = node->children[i];
    key_path path = path_of(key);
    path.push_back(std::to_string(i));
    report_.place(path, child.at);
    if (child.type != kind::integer) {
      expected(path, child, "a whole number", integer_hint(child));
      well = false;
    }
    integers.push_back(child.integer);
  }
  if (well) field = std::move(integers);
  if (!well) report_.mark_broken(path_of(key));
  return well;
}

bool table_reader::read_text_map(std::string_view key, std::map<std::string, std::string>& field) {
  const document_node* node = take(key, kind::table, "a table of strings");
  if (node == nullptr) return false;
  for (const document_node& child : node->children) {
    key_path path = path_of(key);
    path.push_back(child.key);
    report_.place(path, child.at);
    if (child.type == kind::text) {
      field.insert_or_assign(child.key, child.text);
    } else {
      expected(path, child, "a string", text_hint(child));
    }
  }
  return true;
}

bool table_reader::read_choice(std::string_view key, std::span<const std::string_view> choices, std::size_t& field) {
  const document_node* node = take(key);
  if (node == nullptr) return false;
  const auto found = node->type == kind::text ? std::find(choices.begin(), choices.end(), node->text) : choices.end();
  if (found == choices.end()) {
    const std::string_view nearest = node->type == kind::text ? nearest_name(node->text, choices) : std::string_view();
    const std::string hint = nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest);
    expected(path_of(key), *node, fmt::format("one of \"{}\"", fmt::join(choices, "\", \"")), hint);
    return false;
  }
  field = static_cast<std::size_t>(found - choices.begin());
  return true;
}

std::optional<table_reader> table_reader::read_table(std::string_view key) {
  const document_node* node = take(key, kind::table, "a table");
  if (node == nullptr) return std::nullopt;
  return table_reader(report_, *node, path_of(key));
}

std::vector<table_reader> table_reader::read_named_tables() {
  std::vector<table_reader> tables;
  for (const document_node& child : table_.children) {
    key_path path = path_of(child.key);
    report_.place(path, child.at);
    if (child.type == kind::table) {
      tables.emplace_back(report_, child, std::move(path));
    } else {
      expected(path, child, "a table");
    }
  }
  return tables;
}

void table_reader::finish() {
  for (const document_node& child : table_.children) {
    if (std::find(known_.begin(), known_.end(), child.key) != known_.end()) continue;
    const std::string_view nearest = nearest_name(child.key, known_);
    const std::string hint = nearest.empty() ? fmt::format("; known here: {}", fmt::join(known_, ", "))
                                             : fmt::format(": did you mean \"{}\"?", nearest);
    report_.error(path_of(child.key), child.key_at, fmt::format("unknown key{}", hint));
  }
}

}  // namespace hale
