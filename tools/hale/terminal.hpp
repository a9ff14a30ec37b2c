// What a terminal is given: text that cannot steer it, cut to its room, in colour only where somebody can see it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hale::cli {

/// Colours by meaning. Plain where standard output is no terminal or NO_COLOR is set.
class palette {
 public:
  explicit palette(bool colour) : colour_(colour) {}
  static palette for_descriptor(int descriptor);

  bool colourful() const noexcept { return colour_; }
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string warning(std::string_view text) const { return paint("33", text); }
  std::string bad(std::string_view text) const { return paint("31", text); }
  std::string faint(std::string_view text) const { return paint("2", text); }
  std::string strong(std::string_view text) const { return paint("1", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
  bool colour_;
};

/// `text` made harmless (hale::printable), and cut to `width` columns, the last of them then "…".
std::string fitted(std::string_view text, std::size_t width);
/// Fitted, and filled with spaces to exactly `width`, at the end or at the front.
std::string left(std::string_view text, std::size_t width);
std::string right(std::string_view text, std::size_t width);

/// Writes all of `text` to a descriptor; false when nobody reads it any more.
bool write_all(int descriptor, std::string_view text);
inline bool print(std::string_view text) { return write_all(1, text); }
/// One line on standard error, with `hale: ` before it. Gives `exit_code` back, for `return complain(...)`.
int complain(int exit_code, std::string_view line);

/// Whether nobody reads what is written to stdout any more.
bool reader_is_gone();

}  // namespace hale::cli
