// The newest events of a cluster, bounded in number and in bytes, and the way to follow them: a reader walks the history
// at its own pace, so a slow one costs nothing and is told how many events it missed.
//
//     history_reader reader(events, events.first());
//     for (;;) {
//       while (auto what = reader.take()) { if (reader.take_missed() > 0) …; show(*what); }
//       const std::error_code why = co_await reader.wait(limit);
//       if (why) break;
//     }
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "hale/async/wait_queue.hpp"
#include "hale/heal/event.hpp"

namespace hale {

struct history_limits {
  std::size_t events = 4096;
  std::size_t bytes = 768 * 1024;  ///< of memory, what the container needs included
};

/// Outlives its readers' waits.
class history final : public event_sink {
 public:
  /// REQUIRES: both limits are positive. The newest event is always kept.
  explicit history(history_limits limits = {}) noexcept;

  void on_event(const event& what) noexcept override;

  /// The sequence number of the oldest event kept, and the one that the next event will have.
  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t next() const noexcept { return first_ + packed_.size(); }
  /// REQUIRES: first() <= sequence < next()
  event at(std::uint64_t sequence) const;
  /// The first event kept that happened at `when` or later; next() where there is none.
  std::uint64_t first_since(wall_time when) const noexcept;
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  friend class history_reader;
  void keep(const event& what);
  void forget_oldest() noexcept;

  history_limits limits_;
  std::uint64_t first_ = 1;
  std::size_t bytes_ = 0;
  std::deque<std::string> packed_;
  wait_queue readers_;
};

/// Reads a history from `from` on. Any number may read one history.
class history_reader {
 public:
  history_reader(history& of, std::uint64_t from) noexcept : history_(&of), next_(from) {}

  /// The next event, if it has happened. Events that were forgotten before they could be read are counted as missed.
  std::optional<event> take();
  /// The sequence number of the event that take() gives next, if it is not forgotten by then.
  std::uint64_t position() const noexcept { return next_; }
  /// How many events were missed since the last call.
  std::uint64_t take_missed() noexcept;
  /// Until there may be something to take: success at once where there is; errc::timed_out or errc::cancelled otherwise.
  queue_operation wait(deadline limit = deadline::never()) noexcept {
    return {history_->readers_, next_ < history_->next(), limit};
  }

 private:
  history* history_;
  std::uint64_t next_;
  std::uint64_t missed_ = 0;
};

}  // namespace hale
