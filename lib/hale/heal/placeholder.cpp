#include "hale/heal/placeholder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hale/base/text.hpp"

namespace hale {
namespace {

std::string unknown_placeholder(std::string_view name, std::span<const std::string_view> known) {
  std::string message = fmt::format("unknown placeholder {{{}}}", name);
  const std::string_view nearest = nearest_name(name, known);
  if (!nearest.empty()) return message + fmt::format(": did you mean {{{}}}?", nearest);
  message += "; known are";
  for (const std::string_view each : known) message += fmt::format(" {{{}}}", each);
  return message + "; a literal { is written {{";
}

// Gives the pieces of `text` in order: literal(text) and name(name, offset). Both return an error or nothing.
template <class Literal, class Name>
std::optional<placeholder_error> scan(std::string_view text, Literal&& literal, Name&& name) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    literal(text.substr(at, brace - at));
    if (brace == text.size()) break;
    const bool doubled = brace + 1 < text.size() && text[brace + 1] == text[brace];
    if (doubled || text[brace] == '}') {
      literal(text.substr(brace, 1));
      at = brace + (doubled ? 2 : 1);
      continue;
    }
    const std::size_t end = text.find('}', brace);
    if (end == std::string_view::npos) return placeholder_error{brace, "{ is never closed; a literal { is written {{"};
    if (auto error = name(text.substr(brace + 1, end - brace - 1))) return placeholder_error{brace, std::move(*error)};
    at = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string> value_of(std::string_view name, const placeholder_values& values) {
  if (name == "port") return fmt::format("{}", values.port);
  if (name == "name") return values.name;
  if (name == "index") return fmt::format("{}", values.index);
  if (name == "service") return values.service;
  if (name == "incarnation") return fmt::format("{}", values.incarnation);
  if (name == "base_port") return fmt::format("{}", values.base_port);
  return std::nullopt;
}

bool is_name_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

// Where the = of a NAME=value word is; npos when it is no such word.
std::size_t assignment(std::string_view word) {
  if (word.empty() || !is_name_letter(word.front())) return std::string_view::npos;
  const auto end =
      std::find_if_not(word.begin(), word.end(), [](char c) { return is_name_letter(c) || (c >= '0' && c <= '9'); });
  if (end == word.end() || *end != '=') return std::string_view::npos;
  return static_cast<std::size_t>(end - word.begin());
}

}  // namespace

result<std::string, std::string> expand_placeholders(std::string_view text, const placeholder_values& values) {
  std::string expanded;
  auto error = scan(
      text, [&](std::string_view piece) { expanded += piece; },
      [&](std::string_view name) -> std::optional<std::string> {
        const auto value = value_of(name, values);
        if (!value) return unknown_placeholder(name, placeholder_names);
        expanded += *value;
        return std::nullopt;
      });
  if (error) return result<std::string, std::string>::failure(std::move(error->message));
  return expanded;
}

std::optional<placeholder_error> check_placeholders(std::string_view text, std::span<const std::string_view> known) {
  return scan(
      text, [](std::string_view) {},
      [&](std::string_view name) -> std::optional<std::string> {
        if (std::find(known.begin(), known.end(), name) == known.end()) return unknown_placeholder(name, known);
        return std::nullopt;
      });
}

bool uses_placeholder(std::string_view text, std::string_view name) {
  bool found = false;
  scan(
      text, [](std::string_view) {},
      [&](std::string_view used) -> std::optional<std::string> {
        found = found || used == name;
        return std::nullopt;
      });
  return found;
}

environment_words split_environment_words(const std::vector<std::string>& words) {
  environment_words split;
  auto word = words.begin();
  for (; word != words.end(); ++word) {
    const std::size_t equals = assignment(*word);
    if (equals == std::string_view::npos) break;
    split.environment.emplace_back(word->substr(0, equals), word->substr(equals + 1));
  }
  split.argv.assign(word, words.end());
  return split;
}

}  // namespace hale
