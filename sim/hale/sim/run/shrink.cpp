#include "hale/sim/run/shrink.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "hale/sim/core/mix.hpp"

namespace hale::sim {
namespace {

constexpr duration shortest_step = std::chrono::minutes(1);

/// All streams of one fault are one thing; every other label is one of its own.
std::string_view group_of(std::string_view label) {
  constexpr std::string_view fault = "fault.";
  if (!label.starts_with(fault)) return label;
  const std::size_t dot = label.find('.', fault.size());
  return label.substr(0, dot);
}

std::uint64_t key_of(const tape& of, duration length) {
  std::uint64_t key = mix(static_cast<std::uint64_t>(length.count()));
  for (const auto& one : of.streams()) {
    key = mix(key ^ hash_text(one.label));
    for (const std::uint64_t value : one.values) key = mix(key ^ value);
  }
  return key;
}

class shrinker {
 public:
  shrinker(const run_options& options, int oracle, const shrink_limits& limits)
      : options_(options), oracle_(oracle), limits_(limits) {
    options_.keep_timeline = false;
    options_.check_against = nullptr;
    options_.keep_steps = nullptr;
  }

  shrunk_tape run(const tape& failing) {
    best_.length = options_.length;
    best_.tape = failing;
    if (!attempt(failing, options_.length)) return std::move(best_);
    attempt(tape(), best_.length);
    do {
      improved_ = false;
      shorten();
      drop_groups();
      for (const std::string& label : labels()) {
        cut_tail(label);
        zero(label);
        remove(label);
        lower(label);
      }
    } while (improved_ && !spent());
    return std::move(best_);
  }

 private:
  bool spent() const { return best_.runs >= limits_.max_runs; }

  /// Whether this fails as it should; then it is the best so far. Of the candidate only what the run really drew is
  /// kept, which repeats the run just as well.
  bool attempt(tape candidate, duration length) {
    if (spent()) return false;
    candidate.normalise();
    if (!tried_.insert(key_of(candidate, length)).second) return false;
    ++best_.runs;
    options_.length = length;
    tape_driver driver(candidate);
    tape drawn;
    const run_report seen = run_cluster(options_, driver, &drawn);
    if (!seen.verdict || seen.verdict->oracle != oracle_) return false;
    drawn.normalise();
    best_.tape = std::move(drawn);
    best_.length = length;
    best_.verdict = seen.verdict;
    improved_ = true;
    if (limits_.progress) limits_.progress(best_);
    return true;
  }
  bool attempt(tape candidate) { return attempt(std::move(candidate), best_.length); }

  /// To just beyond the failure, then by halves, down to whole minutes.
  void shorten() {
    const duration at = best_.verdict->at.time_since_epoch();
    const auto whole = [](duration length) { return (length / shortest_step + 1) * shortest_step; };
    const duration enough = whole(at / options_.quiet_after_percent * 100);
    if (enough < best_.length) attempt(best_.tape, enough);
    for (duration low{}; best_.length - low > shortest_step && !spent();) {
      const duration middle = whole(low + (best_.length - low) / 2 - shortest_step);
      if (middle >= best_.length || !attempt(best_.tape, middle)) low = middle;
    }
  }

  std::vector<std::string> labels() const {
    std::vector<std::string> found;
    for (const auto& one : best_.tape.streams()) found.push_back(one.label);
    return found;
  }

  std::vector<std::string> groups() const {
    std::vector<std::string> found;
    for (const auto& one : best_.tape.streams()) {
      if (found.empty() || found.back() != group_of(one.label)) found.emplace_back(group_of(one.label));
    }
    return found;
  }

  /// Calls try_range(from, to) for ever smaller ranges of what count() counts; a range that could be taken away is not
  /// there any more afterwards.
  template <class Count, class Try>
  void by_ranges(Count count, Try try_range) {
    for (std::size_t size = count(); size > 0; size /= 2) {
      for (std::size_t from = 0; from < count() && !spent();) {
        if (!try_range(from, std::min(from + size, count()))) from += size;
      }
      size = std::min(size, std::max<std::size_t>(count(), 1));
    }
  }

  void drop_groups() {
    by_ranges([&] { return groups().size(); },
              [&](std::size_t from, std::size_t to) {
                const std::vector<std::string> all = groups();
                tape less = best_.tape;
                std::erase_if(less.streams(), [&](const auto& one) {
                  return std::find(all.begin() + static_cast<std::ptrdiff_t>(from),
                                   all.begin() + static_cast<std::ptrdiff_t>(to),
                                   group_of(one.label)) != all.begin() + static_cast<std::ptrdiff_t>(to);
                });
                return attempt(std::move(less));
              });
  }

  const std::vector<std::uint64_t>& values(const std::string& label) const {
    const auto* found = best_.tape.find(label);
    return found != nullptr ? *found : none_;
  }

  /// A copy of the best tape, and its stream of that label to be changed. REQUIRES: it has one.
  template <class Change>
  tape with(const std::string& label, Change change) const {
    tape changed = best_.tape;
    change(changed.streams()[changed.stream(label)].values);
    return changed;
  }

  void cut_tail(const std::string& label) {
    std::size_t low = 0;  // so many are too few, as far as is known
    while (values(label).size() > low && !spent()) {
      const std::size_t keep = low + (values(label).size() - low) / 2;
      if (!attempt(with(label, [&](auto& all) { all.resize(keep); }))) low = keep + 1;
    }
  }

  std::vector<std::size_t> places(const std::string& label) const {
    std::vector<std::size_t> found;
    const auto& all = values(label);
    for (std::size_t at = 0; at < all.size(); ++at) {
      if (all[at] != 0) found.push_back(at);
    }
    return found;
  }

  void zero(const std::string& label) {
    by_ranges([&] { return places(label).size(); },
              [&](std::size_t from, std::size_t to) {
                const std::vector<std::size_t> all = places(label);
                return attempt(with(label, [&](auto& changed) {
                  for (std::size_t at = from; at < to; ++at) changed[all[at]] = 0;
                }));
              });
  }

  /// Takes values out, so that later ones come earlier: of every stretch of equal ones as many as can be, by halves.
  void remove(const std::string& label) {
    for (std::size_t from = 0; from < values(label).size() && !spent();) {
      const auto stretch = [&] {
        std::size_t to = from;
        while (to < values(label).size() && values(label)[to] == values(label)[from]) ++to;
        return to - from;
      };
      for (std::size_t low = 0; stretch() > low && !spent();) {
        const std::size_t keep = low + (stretch() - low) / 2;
        const auto first = static_cast<std::ptrdiff_t>(from);
        const auto last = static_cast<std::ptrdiff_t>(from + stretch() - keep);
        const bool less = attempt(with(label, [&](auto& all) { all.erase(all.begin() + first, all.begin() + last); }));
        if (!less) low = keep + 1;
      }
      from += stretch();
    }
  }

  /// Each value to the least that fails, found by halves.
  void lower(const std::string& label) {
    for (std::size_t at = 0; at < values(label).size() && !spent(); ++at) {
      const auto now = [&] { return at < values(label).size() ? values(label)[at] : 0; };
      const auto set = [&](std::uint64_t value) {
        return attempt(with(label, [&](auto& changed) { changed[at] = value; }));
      };
      if (now() < 2 || !set(now() - 1)) continue;
      for (std::uint64_t low = 0; now() > low + 1 && !spent();) {
        const std::uint64_t middle = low + (now() - low) / 2;
        if (!set(middle)) low = middle;
      }
    }
  }

  run_options options_;
  int oracle_;
  const shrink_limits& limits_;
  shrunk_tape best_;
  bool improved_ = false;
  std::set<std::uint64_t> tried_;
  const std::vector<std::uint64_t> none_;
};

}  // namespace

shrunk_tape shrink(const run_options& options, const tape& failing, int oracle, const shrink_limits& limits) {
  shrinker works(options, oracle, limits);
  return works.run(failing);
}

}  // namespace hale::sim
