// Keeps logs in another store and lets people watch them: every line that is appended also goes to those who follow that
// instance. A follower that does not keep up loses its oldest lines and is told how many; it never slows the child, the
// log or another follower.
//
//     log_follower follower(store, "llama-1");
//     … show(log.tail(100)) …            // in the same step: nothing missed, nothing twice
//     for (;;) {
//       while (auto line = follower.take()) show(*line);
//       const std::error_code why = co_await follower.wait(limit);
//       if (why) break;
//     }
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hale/async/wait_queue.hpp"
#include "hale/base/intrusive_list.hpp"
#include "hale/world/log_store.hpp"

namespace hale {

class log_follower;

/// Outlives the logs it has opened and its followers.
class followed_log_store final : public log_store {
 public:
  explicit followed_log_store(log_store& kept_in) noexcept : kept_in_(kept_in) {}
  std::unique_ptr<instance_log> open(std::string_view instance, log_limits limits) override;

 private:
  friend class log_follower;
  class followed_log;
  void tell(std::string_view instance, const log_line& line) noexcept;

  log_store& kept_in_;
  intrusive_list<log_follower> followers_;
};

class log_follower : public list_node {
 public:
  static constexpr std::size_t max_bytes = 256 * 1024;

  log_follower(followed_log_store& store, std::string instance);

  /// The next line in its kept form, if there is one. When lines were lost, take_missed() counts them: all of them older
  /// than the next line taken.
  std::optional<std::string> take();
  std::uint64_t take_missed() noexcept;
  /// Until there is something to take: success at once where there is; errc::timed_out or errc::cancelled otherwise.
  queue_operation wait(deadline limit = deadline::never()) noexcept { return {waiting_, !lines_.empty(), limit}; }

 private:
  friend class followed_log_store;
  void add(const log_line& line);

  std::string instance_;
  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t missed_ = 0;
  wait_queue waiting_;
};

/// A line in its kept form, as world/log_store.hpp describes it, without a newline.
std::string kept_form(const log_line& line);

}  // namespace hale
