#include "hale/sim/core/choice.hpp"

#include <algorithm>
#include <cassert>

#include "hale/sim/core/mix.hpp"

namespace hale::sim {

std::uint64_t seed_driver::choose(std::uint64_t bound, label_id id, std::string_view label) noexcept {
  while (streams_.size() <= id) streams_.push_back(0);
  std::uint64_t& state = streams_[id];
  if (state == 0) state = mix(seed_ ^ hash_text(label)) | 1;
  state += 0x9e3779b97f4a7c15ull;
  __extension__ using wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<wide>(mix(state)) * bound) >> 64);
}

std::uint64_t tape_driver::choose(std::uint64_t bound, label_id id, std::string_view label) noexcept {
  while (places_.size() <= id) places_.emplace_back();
  place& at = places_[id];
  if (at.values == nullptr) {
    at.values = from_.find(label);
    if (at.values == nullptr) return 0;
  }
  if (at.next >= at.values->size()) return 0;
  return std::min((*at.values)[at.next++], bound - 1);
}

std::uint64_t bytes_driver::choose(std::uint64_t bound, label_id, std::string_view) noexcept {
  std::uint64_t value = 0;
  for (std::uint64_t left = bound - 1; left > 0 && !bytes_.empty(); left >>= 8) {
    value = (value << 8) | bytes_.front();
    bytes_ = bytes_.subspan(1);
  }
  return value % bound;
}

std::uint64_t words_driver::choose(std::uint64_t bound, label_id, std::string_view) noexcept {
  return next_ < words_.size() ? words_[next_++] % bound : 0;
}

std::uint64_t exhaustive_driver::choose(std::uint64_t bound, label_id, std::string_view label) noexcept {
  if (std::find(labels_.begin(), labels_.end(), label) == labels_.end()) return 0;
  if (at_ == max_depth_) {
    cut_ = true;
    return 0;
  }
  if (at_ == digits_.size()) digits_.push_back(digit{0, bound});
  assert(digits_[at_].bound == bound && "the run before drew something else here");
  return digits_[at_++].value;
}

bool exhaustive_driver::next() {
  digits_.resize(at_);
  at_ = 0;
  while (!digits_.empty()) {
    digit& last = digits_.back();
    if (++last.value < last.bound) return true;
    digits_.pop_back();
  }
  return false;
}

label_id choices::label(std::string_view text) {
  const auto known = ids_.find(text);
  if (known != ids_.end()) return known->second;
  const auto id = static_cast<label_id>(texts_.size());
  texts_.push_back(ids_.emplace(text, id).first->first);
  if (record_ != nullptr) recorded_in_.push_back(record_->stream(text));
  return id;
}

std::uint64_t choices::below(std::uint64_t bound, label_id id) noexcept {
  assert(bound > 0);
  if (bound == 1) return 0;
  ++draws_;
  const std::uint64_t value = driver_.choose(bound, id, texts_[id]);
  assert(value < bound);
  if (record_ != nullptr) record_->append(recorded_in_[id], value);
  return value;
}

}  // namespace hale::sim
