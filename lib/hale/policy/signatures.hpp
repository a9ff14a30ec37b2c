// What the last words of a model server mean. A shared, constant table of signatures (the reference on model servers,
// section 4) and a scanner for the lines of one instance that remembers the one line which explains most. A signature
// alone never ends a living process: it says why, once something else says that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hale/policy/cause.hpp"

namespace hale {

/// What a cause means for the next start.
enum class restart_class {
  restart,  ///< with backoff, while the budget lasts
  once,     ///< and hold when the same happens again
  hold,     ///< the same would happen again: not until a person acts
  none,     ///< a warning: no opinion
};
std::string_view to_string(restart_class value) noexcept;

struct signature {
  std::uint8_t number = 0;  ///< the row of the reference's table
  std::string_view name;    ///< stable, for events and tests: "cuda_oom"
  hale::cause cause = hale::cause::unknown;
  restart_class restart = restart_class::restart;
  bool generic_trailer = false;  ///< follows from another line further up, and is the cause only if nothing else is
  bool vague = false;            ///< words that harmless lines hold too: gives way to any signature that is neither
  bool from_kernel = false;      ///< a line of the kernel's log, not of the process
  std::string_view hint;         ///< what it is and what to do, in one line for people
};

enum class line_source { process, kernel };

/// All of them, in the order in which they are tried.
std::span<const signature> signatures() noexcept;
const signature* signature_named(std::string_view name) noexcept;
/// The first signature that `line` matches; null if none. Case does not matter. Linear in the line.
const signature* match_signature(std::string_view line, line_source source = line_source::process) noexcept;

struct signature_match {
  const signature* what = nullptr;
  std::string line;  ///< cut at 200 bytes
};

/// Remembers, over the lines of one incarnation, the one that best explains a failure: the earliest of the specific
/// ones, else of the vague, else of the warnings, else the earliest trailer. What lies a thousand lines back no longer
/// explains anything.
class signature_scanner {
 public:
  static constexpr std::uint64_t window_lines = 1000;
  static constexpr std::size_t line_limit_bytes = 200;

  /// One line without its newline. Returns what it matches.
  std::optional<signature_match> scan_line(std::string_view line);
  std::optional<signature_match> best() const;
  void reset() noexcept;

 private:
  struct candidate {
    signature_match match;
    std::uint64_t line_number = 0;
  };
  bool fresh(const candidate& known) const noexcept;

  std::unique_ptr<candidate> best_;
  std::uint64_t lines_ = 0;
};

}  // namespace hale
