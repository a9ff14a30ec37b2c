// Cuts a stream of bytes into lines, in bounded memory: a line beyond the bound is given in pieces.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace hale {

class line_splitter {
 public:
  static constexpr std::size_t max_line_bytes = 64 * 1024;

  /// Calls take(std::string_view line, bool goes_on) for each line that `bytes` completes, without its newline; a piece
  /// of an overlong line has goes_on set. Lines that lie whole in `bytes` are not copied.
  template <class Take>
  void feed(std::string_view bytes, Take&& take) {
    while (!bytes.empty()) {
      const std::size_t newline = bytes.find('\n');
      const std::string_view piece = bytes.substr(0, newline);
      const std::size_t room = max_line_bytes - partial_.size();
      if (piece.size() > room || (piece.size() == room && newline == std::string_view::npos)) {
        give(piece.substr(0, room), true, take);
        bytes.remove_prefix(room);
      } else if (newline == std::string_view::npos) {
        partial_.append(piece);
        return;
      } else {
        give(piece, false, take);
        bytes.remove_prefix(newline + 1);
      }
    }
  }

  /// Gives what is left of a last line without a newline.
  template <class Take>
  void finish(Take&& take) {
    if (!partial_.empty()) give({}, false, take);
  }

 private:
  template <class Take>
  void give(std::string_view end, bool goes_on, Take&& take) {
    if (partial_.empty()) {
      take(end, goes_on);
      return;
    }
    // Released afterwards: an idle instance keeps no buffer.
    std::string line = std::exchange(partial_, std::string());
    line.append(end);
    take(std::string_view(line), goes_on);
  }

  std::string partial_;
};

}  // namespace hale
