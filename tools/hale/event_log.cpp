#include "event_log.hpp"

#include <fmt/format.h>
#include <poll.h>

#include "hale/record/event_line.hpp"
#include "terminal.hpp"

namespace hale::cli {

event_log::event_log(int descriptor)
    : descriptor_(descriptor), colour_(palette::for_descriptor(descriptor).colourful()) {}

// A line is far shorter than what a writable pipe or terminal takes without blocking.
bool event_log::has_room() const noexcept {
  pollfd room{descriptor_, POLLOUT, 0};
  return poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0;
}

void event_log::on_event(const event& what) noexcept {
  if (!has_room()) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) write_all(descriptor_, fmt::format("({} lines are missing here)\n", dropped_));
  dropped_ = 0;
  write_all(descriptor_, event_line(what, colour_ ? line_colour::ansi : line_colour::none) + "\n");
}

}  // namespace hale::cli
