#include "live_view.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace hale::cli {
namespace {

bool can_move_cursor(int descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

// What would scroll off the top cannot be drawn over: only as many lines as fit are drawn.
std::size_t rows(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 24;
}

}  // namespace

live_view::live_view(int descriptor)
    : descriptor_(descriptor), colours_(palette::for_descriptor(descriptor)), in_place_(can_move_cursor(descriptor)) {}

bool live_view::show(std::string picture) {
  if (!in_place_) {
    if (drawn_ > 0) picture.insert(0, "\n");
    drawn_ = 1;
    return write_all(descriptor_, picture);
  }
  std::string out = drawn_ > 0 ? fmt::format("\x1b[{}A\r", drawn_) : "";
  const std::size_t room = rows(descriptor_) - 1;
  drawn_ = 0;
  for (std::size_t at = 0; at < picture.size() && drawn_ < room; ++drawn_) {
    const std::size_t end = picture.find('\n', at);
    out += picture.substr(at, end - at) + "\x1b[K\n";
    at = end + 1;
  }
  return write_all(descriptor_, out + "\x1b[J");
}

}  // namespace hale::cli
