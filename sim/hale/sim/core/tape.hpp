// What a run drew, as text: a stream of values for each label. Replaying it repeats the run; an empty tape is the happy
// path; shrinking takes things away from it. The form:
//
//     hale-tape 1
//     options --duration 1h --faults oom          (how the run was made; free text)
//     fault.oom = 0*17 1 0*4 1 ~5f0a21            (a label, its values, runs of zeros short, a check of the line)
//     end 2 ~91c3d0                               (how many lines of values, a check of the whole)
//
// Values that would be 0 at the end of a stream are left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/result.hpp"

namespace hale::sim {

/// What is wrong with a text that should be a tape.
struct tape_error {
  std::size_t line = 1;  ///< from 1
  std::string message;
};

class tape {
 public:
  struct label_stream {
    std::string label;
    std::vector<std::uint64_t> values;
    friend bool operator==(const label_stream&, const label_stream&) = default;
  };

  std::string options;

  /// The place of a label's stream, which is made if need be.
  std::size_t stream(std::string_view label);
  void append(std::size_t at, std::uint64_t value) { streams_[at].values.push_back(value); }
  /// Null where nothing was drawn under it.
  const std::vector<std::uint64_t>* find(std::string_view label) const noexcept;
  const std::vector<label_stream>& streams() const noexcept { return streams_; }
  std::vector<label_stream>& streams() noexcept { return streams_; }

  /// Drops zeros at the ends of streams, streams that are then empty, and orders the rest by label.
  void normalise();
  /// How many values are not benign.
  std::size_t weight() const noexcept;

  std::string to_text() const;
  /// An empty text is the empty tape. Anything else must be whole and of this version.
  static result<tape, tape_error> parse(std::string_view text);

 private:
  std::vector<label_stream> streams_;
};

}  // namespace hale::sim
