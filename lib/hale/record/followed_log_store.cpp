#include "hale/record/followed_log_store.hpp"

#include <fmt/format.h>

#include <utility>

#include "hale/base/text.hpp"

namespace hale {
namespace {
constexpr std::size_t overhead = sizeof(std::string) + 16;  // of a line in a deque
}

class followed_log_store::followed_log final : public instance_log {
 public:
  followed_log(followed_log_store& store, std::string_view instance, std::unique_ptr<instance_log> kept)
      : store_(store), instance_(instance), kept_(std::move(kept)) {}

  void append(const log_line& line) noexcept override {
    kept_->append(line);
    store_.tell(instance_, line);
  }
  void flush() noexcept override { kept_->flush(); }
  std::vector<std::string> tail(std::size_t count) const override { return kept_->tail(count); }
  std::uint64_t lines_lost() const noexcept override { return kept_->lines_lost(); }

 private:
  followed_log_store& store_;
  std::string instance_;
  std::unique_ptr<instance_log> kept_;
};

std::unique_ptr<instance_log> followed_log_store::open(std::string_view instance, log_limits limits) {
  auto kept = kept_in_.open(instance, limits);
  if (kept == nullptr) return nullptr;
  return std::make_unique<followed_log>(*this, instance, std::move(kept));
}

void followed_log_store::tell(std::string_view instance, const log_line& line) noexcept {
  followers_.for_each([&](log_follower& follower) {
    if (follower.instance_ != instance) return;
    try {
      follower.add(line);
    } catch (...) {  // no memory for a follower is a line it misses
      ++follower.missed_;
    }
  });
}

log_follower::log_follower(followed_log_store& store, std::string instance) : instance_(std::move(instance)) {
  store.followers_.push_back(*this);
}

void log_follower::add(const log_line& line) {
  lines_.push_back(kept_form(line));
  bytes_ += lines_.back().size() + overhead;
  while (bytes_ > max_bytes && lines_.size() > 1) {
    bytes_ -= lines_.front().size() + overhead;
    lines_.pop_front();
    ++missed_;
  }
  waiting_.wake_all();
}

std::optional<std::string> log_follower::take() {
  if (lines_.empty()) return std::nullopt;
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  bytes_ -= line.size() + overhead;
  return line;
}

std::uint64_t log_follower::take_missed() noexcept { return std::exchange(missed_, 0); }

std::string kept_form(const log_line& line) {
  return fmt::format("{} {} {} {} {}", to_rfc3339(line.at), line.stream == output_stream::out ? "out" : "err",
                     line.goes_on ? 'P' : 'F', line.incarnation.value(), line.text);
}

}  // namespace hale
