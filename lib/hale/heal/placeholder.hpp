// Placeholders in the texts of a spec ({port}, {name} …), and the leading NAME=value words of a command. Pure text:
// what is expanded once per spawn is checked when the spec is made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hale/base/result.hpp"

namespace hale {

/// What placeholders stand for in one incarnation of one instance.
struct placeholder_values {
  std::uint16_t port = 0;
  std::string name;
  std::uint32_t index = 0;
  std::string service;
  std::uint64_t incarnation = 0;
  std::uint16_t base_port = 0;
};

inline constexpr std::array<std::string_view, 6> placeholder_names = {"port",    "name",        "index",
                                                                      "service", "incarnation", "base_port"};

/// `text` with each {name} replaced, {{ and }} as braces, and a lone } as itself. The error is a sentence for a person.
result<std::string, std::string> expand_placeholders(std::string_view text, const placeholder_values& values);

struct placeholder_error {
  std::size_t offset = 0;  ///< of the opening brace, in bytes
  std::string message;
};

/// The first mistake in `text`, where only `known` names may be used.
std::optional<placeholder_error> check_placeholders(std::string_view text,
                                                    std::span<const std::string_view> known = placeholder_names);

/// Whether {name} occurs in `text` as a placeholder.
bool uses_placeholder(std::string_view text, std::string_view name);

/// A command parted into its leading NAME=value words and the argv that follows, as a shell would.
struct environment_words {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> argv;
};
environment_words split_environment_words(const std::vector<std::string>& words);

}  // namespace hale
