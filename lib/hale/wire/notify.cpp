#include "hale/wire/notify.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace hale {

namespace {

template <class Number>
std::optional<Number> whole_number(std::string_view text) noexcept {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < Number{}) return std::nullopt;
  return value;
}

bool is_key(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == '_';
  });
}

bool is_forbidden(char letter) noexcept {
  const auto byte = static_cast<unsigned char>(letter);
  return (byte < ' ' && byte != '\t' && byte != '\n') || byte == 127;
}

// Each reader gives false for a value that is not one.

bool read_flag(std::string_view value, bool& into) noexcept {
  if (value != "1" && value != "0") return false;
  if (value == "1") into = true;
  return true;
}

template <class Number>
bool read_number(std::string_view value, std::optional<Number>& into) noexcept {
  const std::optional<Number> number = whole_number<Number>(value);
  if (number.has_value()) into = number;
  return number.has_value();
}

bool read_watchdog(std::string_view value, sd_notification& into) noexcept {
  if (value == "trigger") {
    into.watchdog_trigger = true;
    return true;
  }
  return read_flag(value, into.watchdog);
}

bool read_field(std::string_view key, std::string_view value, sd_notification& into) {
  if (key == "READY") return read_flag(value, into.ready);
  if (key == "RELOADING") return read_flag(value, into.reloading);
  if (key == "STOPPING") return read_flag(value, into.stopping);
  if (key == "WATCHDOG") return read_watchdog(value, into);
  if (key == "WATCHDOG_USEC") return read_number(value, into.watchdog_usec);
  if (key == "EXTEND_TIMEOUT_USEC") return read_number(value, into.extend_timeout_usec);
  if (key == "ERRNO") return read_number(value, into.error_number);
  if (key == "STATUS") {
    into.status = std::string(value);
    return true;
  }
  ++into.unknown_fields;
  return true;
}

}  // namespace

result<sd_notification> parse_notification(std::string_view datagram) {
  if (datagram.size() > max_notification_bytes) return errc::too_large;
  if (std::any_of(datagram.begin(), datagram.end(), is_forbidden)) return errc::malformed;
  sd_notification found;
  while (!datagram.empty()) {
    const std::string_view line = datagram.substr(0, datagram.find('\n'));
    datagram.remove_prefix(std::min(line.size() + 1, datagram.size()));
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    const bool understood = equals != std::string_view::npos && is_key(line.substr(0, equals)) &&
                            read_field(line.substr(0, equals), line.substr(equals + 1), found);
    if (!understood) ++found.malformed_lines;
  }
  return found;
}

}  // namespace hale
