#include "hale/policy/health_tracker.hpp"

#include <utility>

namespace hale {

const diagnosis& health_tracker::update(diagnosis fresh) {
  const bool clean = fresh.status == health_status::healthy;
  if (clean && published_.status != health_status::healthy && !clean_once_) {
    published_.status = health_status::degraded;
    clean_once_ = true;
    return published_;
  }
  published_ = std::move(fresh);
  clean_once_ = false;
  return published_;
}

void health_tracker::reset() noexcept {
  published_ = diagnosis();
  clean_once_ = false;
}

}  // namespace hale
