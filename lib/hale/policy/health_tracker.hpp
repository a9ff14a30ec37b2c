// The health that is told to people and acted on: a sick instance is called healthy again only after two evaluations in
// a row that meet no condition, so that a rate near its threshold does not flap. Getting worse shows at once.
#pragma once

#include "hale/policy/diagnosis.hpp"

namespace hale {

class health_tracker {
 public:
  /// Takes the newest evaluation and returns what to publish. The first clean one after a sick one is published as
  /// degraded, with the cause and reason there were.
  const diagnosis& update(diagnosis fresh);
  const diagnosis& published() const noexcept { return published_; }
  /// A new incarnation begins: healthy.
  void reset() noexcept;

 private:
  diagnosis published_;
  bool clean_once_ = false;
};

}  // namespace hale
