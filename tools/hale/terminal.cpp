#include "terminal.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "hale/record/event_line.hpp"
#include "hale/record/utf8.hpp"

namespace hale::cli {
namespace {

struct fit {
  std::string text;
  std::size_t width = 0;
};

// Columns are counted as code points, which is right for what names and reasons are made of.
std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) take_code_point(text);
  return count;
}

fit fit_to(std::string_view text, std::size_t width) {
  const std::string visible = printable(text);
  const std::size_t all = columns(visible);
  if (all <= width) return {visible, all};
  fit result;
  std::string_view rest = visible;
  for (; result.width + 1 < width; ++result.width) append_utf8(result.text, take_code_point(rest));
  result.text += "…";
  ++result.width;
  return result;
}

}  // namespace

palette palette::for_descriptor(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return palette(isatty(descriptor) == 1 && !dumb && (refused == nullptr || *refused == '\0'));
}

std::string palette::paint(std::string_view code, std::string_view text) const {
  if (!colour_) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string fitted(std::string_view text, std::size_t width) { return fit_to(text, width).text; }

std::string left(std::string_view text, std::size_t width) {
  fit cell = fit_to(text, width);
  return cell.text.append(width - cell.width, ' ');
}

std::string right(std::string_view text, std::size_t width) {
  fit cell = fit_to(text, width);
  return cell.text.insert(0, width - cell.width, ' ');
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t taken = write(descriptor, text.data(), text.size());
    if (taken >= 0) {
      text.remove_prefix(static_cast<std::size_t>(taken));
    } else if (errno == EAGAIN) {
      pollfd room{descriptor, POLLOUT, 0};
      poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

int complain(int exit_code, std::string_view line) {
  write_all(2, fmt::format("hale: {}\n", line));
  return exit_code;
}

bool reader_is_gone() {
  pollfd out{1, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

}  // namespace hale::cli
