// All chance of a simulation. Every random or scheduling decision is a labelled draw below a bound, in which 0 is the
// benign value: oldest first, no fault, least latency. Where the values come from is the driver's affair: a seed, a
// tape, the bytes of a fuzzer, words of a property test, or every one of them in turn. What was drawn can be recorded.
//
//     seed_driver driver(42);
//     choices chance(driver);
//     const std::uint64_t delay = chance.below(1000, "net.latency");
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hale/sim/core/tape.hpp"
#include "hale/world/random.hpp"

namespace hale::sim {

/// A label as one choice source numbers it, in order of first use.
using label_id = std::uint32_t;

class choice_driver {
 public:
  virtual ~choice_driver() = default;
  /// A value below `bound`. REQUIRES: bound > 1; `label` is always the same text for the same id.
  virtual std::uint64_t choose(std::uint64_t bound, label_id id, std::string_view label) noexcept = 0;
};

/// Pseudo-random, with a stream of its own for each label: a new draw in one place shifts no other.
class seed_driver final : public choice_driver {
 public:
  explicit seed_driver(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t choose(std::uint64_t bound, label_id id, std::string_view label) noexcept override;

 private:
  std::uint64_t seed_;
  std::vector<std::uint64_t> streams_;
};

/// Replays what was recorded; past the end of a label's stream everything is benign. A value that does not lie below
/// its bound, because the code has changed since, becomes the highest that does.
class tape_driver final : public choice_driver {
 public:
  /// `from` outlives it.
  explicit tape_driver(const tape& from) : from_(from) {}
  std::uint64_t choose(std::uint64_t bound, label_id id, std::string_view label) noexcept override;

 private:
  struct place {
    const std::vector<std::uint64_t>* values = nullptr;
    std::size_t next = 0;
  };
  const tape& from_;
  std::vector<place> places_;
};

/// Takes its values from a string of bytes, as fuzzers give: as few bytes a draw as its bound needs, then only zeros.
class bytes_driver final : public choice_driver {
 public:
  explicit bytes_driver(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::uint64_t choose(std::uint64_t bound, label_id id, std::string_view label) noexcept override;

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Takes one word a draw, modulo its bound, then only zeros: what a property test generates and shrinks.
class words_driver final : public choice_driver {
 public:
  explicit words_driver(std::vector<std::uint64_t> words) : words_(std::move(words)) {}
  std::uint64_t choose(std::uint64_t bound, label_id id, std::string_view label) noexcept override;

 private:
  std::vector<std::uint64_t> words_;
  std::size_t next_ = 0;
};

/// Every combination of the draws of the labels it is told of, one a run; all others are benign.
///
///     exhaustive_driver every({"pick"});
///     do { ... one run ... } while (every.next());
class exhaustive_driver final : public choice_driver {
 public:
  explicit exhaustive_driver(std::vector<std::string> labels, std::size_t max_depth = 64)
      : labels_(std::move(labels)), max_depth_(max_depth) {}
  std::uint64_t choose(std::uint64_t bound, label_id id, std::string_view label) noexcept override;
  /// Makes ready for the next combination; false when all have been run.
  bool next();
  /// A run drew more often than max_depth; what came beyond was benign.
  bool cut() const noexcept { return cut_; }

 private:
  struct digit {
    std::uint64_t value;
    std::uint64_t bound;
  };
  std::vector<std::string> labels_;
  std::size_t max_depth_;
  std::vector<digit> digits_;
  std::size_t at_ = 0;
  bool cut_ = false;
};

/// What the simulation draws from, the supervision code in it included.
class choices final : public random_source {
 public:
  /// Both outlive it. Without a tape nothing is recorded.
  explicit choices(choice_driver& driver, tape* record = nullptr) : driver_(driver), record_(record) {}
  choices(const choices&) = delete;
  choices& operator=(const choices&) = delete;

  label_id label(std::string_view text);
  std::uint64_t below(std::uint64_t bound, label_id id) noexcept;
  std::uint64_t below(std::uint64_t bound, std::string_view label_text) noexcept override {
    return below(bound, label(label_text));
  }
  using random_source::chance;
  bool chance(ratio probability, label_id id) noexcept {
    return below(probability.denominator, id) >= probability.denominator - probability.numerator;
  }
  std::uint64_t draws() const noexcept { return draws_; }

 private:
  choice_driver& driver_;
  tape* record_;
  std::map<std::string, label_id, std::less<>> ids_;
  std::vector<std::string_view> texts_;  ///< the keys of ids_
  std::vector<std::size_t> recorded_in_;
  std::uint64_t draws_ = 0;
};

}  // namespace hale::sim
