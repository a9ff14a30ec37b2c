// What goes wrong in the demo, and whether it was healed. Pure: told the time and how the cluster stands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hale/base/time.hpp"
#include "hale/heal/status.hpp"

namespace hale::cli {

struct demo_fault {
  std::string instance;
  std::string kind;   ///< as the demo server's schedule spells it
  std::string story;  ///< for people
  duration at{};      ///< from the beginning

  enum class stage { coming, struck, healed };
  stage is = stage::coming;
  incarnation_number victim;  ///< the incarnation that it befalls
  std::string verdict;        ///< the cause hale found
};

class demo_plan {
 public:
  /// Faults spread over `length`. Without `real_oom`, no kernel limit can be had: memory then ends another way.
  demo_plan(duration length, bool real_oom);

  const std::vector<demo_fault>& faults() const noexcept { return faults_; }
  /// "crash@2s,exit?code=1@9s": what the demo server of that instance is to be given.
  std::string schedule_of(const std::string& instance) const;
  void watch(duration now, const cluster_status& status);
  bool all_healed() const noexcept;

 private:
  std::vector<demo_fault> faults_;
};

}  // namespace hale::cli
