// A picture that is drawn again and again in the same place of a terminal; where the output is no terminal, pictures
// follow each other with an empty line between them.
#pragma once

#include <string>

#include "terminal.hpp"

namespace hale::cli {

class live_view {
 public:
  explicit live_view(int descriptor);
  const palette& colours() const noexcept { return colours_; }
  bool in_place() const noexcept { return in_place_; }

  /// `picture` ends with a newline. False when nobody reads any more.
  bool show(std::string picture);

 private:
  int descriptor_;
  palette colours_;
  bool in_place_;
  std::size_t drawn_ = 0;  ///< lines of the picture before
};

}  // namespace hale::cli
