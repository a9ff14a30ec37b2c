#include "hale/config/document.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <type_traits>

namespace hale {
namespace {

text_position position_of(const toml::source_position& at) {
  return {std::max<unsigned>(1, at.line), std::max<unsigned>(1, at.column)};
}

// toml++ nests a table for each part of a dotted key, without a bound, and recurses when it frees them. So the parts
// are bounded before it sees them: dots outside strings and comments, line by line.
class dot_counter {
 public:
  static constexpr unsigned most_dots = 64;

  std::optional<text_position> find_excess(std::string_view text) {
    while (!text.empty()) text.remove_prefix(step(text));
    return excess_;
  }

 private:
  std::size_t step(std::string_view text) {
    const char c = text.front();
    if (c == '\n') return end_line();
    if (comment_) return 1;
    if (quote_ != 0) return step_in_string(text);
    if (c == '#') comment_ = true;
    if (c == '"' || c == '\'') return open_string(text);
    if (c == '.' && ++dots_ == most_dots && !excess_) excess_ = text_position{line_, 1};
    return 1;
  }

  std::size_t end_line() {
    ++line_;
    dots_ = 0;
    comment_ = false;
    if (!long_string_) quote_ = 0;
    return 1;
  }

  std::size_t open_string(std::string_view text) {
    quote_ = text.front();
    long_string_ = text.size() >= 3 && text[1] == quote_ && text[2] == quote_;
    return long_string_ ? 3 : 1;
  }

  std::size_t step_in_string(std::string_view text) {
    if (text.front() == '\\' && quote_ == '"' && text.size() >= 2 && text[1] != '\n') return 2;
    if (text.front() != quote_) return 1;
    const std::size_t quotes = std::min(text.find_first_not_of(quote_), text.size());
    if (long_string_ && quotes < 3) return quotes;
    quote_ = 0;
    // A long string may end in up to two quotes of its own.
    const std::size_t taken = long_string_ ? std::min<std::size_t>(quotes, 5) : 1;
    long_string_ = false;
    return taken;
  }

  unsigned line_ = 1;
  unsigned dots_ = 0;
  char quote_ = 0;
  bool long_string_ = false;
  bool comment_ = false;
  std::optional<text_position> excess_;
};

document_node convert(const toml::node& from);

void convert_members(const toml::table& table, document_node& to) {
  for (const auto& [key, value] : table) {
    document_node member = convert(value);
    member.key = std::string(key.str());
    member.key_at = position_of(key.source().begin);
    to.children.push_back(std::move(member));
  }
  std::sort(to.children.begin(), to.children.end(),
            [](const document_node& a, const document_node& b) { return a.key_at < b.key_at; });
}

document_node convert(const toml::node& from) {
  using kind = document_node::kind;
  document_node to;
  to.at = position_of(from.source().begin);
  from.visit([&to](const auto& value) {
    using type = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<type, toml::table>) {
      convert_members(value, to);
    } else if constexpr (std::is_same_v<type, toml::array>) {
      to.type = kind::array;
      for (const toml::node& element : value) to.children.push_back(convert(element));
    } else if constexpr (std::is_same_v<type, toml::value<std::string>>) {
      to.type = kind::text;
      to.text = value.get();
    } else if constexpr (std::is_same_v<type, toml::value<std::int64_t>>) {
      to.type = kind::integer;
      to.integer = value.get();
    } else if constexpr (std::is_same_v<type, toml::value<double>>) {
      to.type = kind::real;
      to.real = value.get();
    } else if constexpr (std::is_same_v<type, toml::value<bool>>) {
      to.type = kind::flag;
      to.flag = value.get();
    } else {
      to.type = kind::time;
    }
  });
  return to;
}

}  // namespace

result<document_node, document_error> parse_document(std::string_view text) {
  if (text.size() > max_document_bytes) {
    return document_error{{}, fmt::format("the file is larger than {} bytes", max_document_bytes)};
  }
  if (const auto excess = dot_counter().find_excess(text)) {
    return document_error{*excess, fmt::format("more than {} dots in one line", dot_counter::most_dots)};
  }
  try {
    const toml::table root = toml::parse(text);
    document_node node = convert(root);
    node.at = {};
    return node;
  } catch (const toml::parse_error& error) {
    return document_error{position_of(error.source().begin), std::string(error.description())};
  }
}

}  // namespace hale
