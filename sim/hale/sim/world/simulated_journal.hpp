// A journal on a simulated disk. What was synced stays; at a crash, what was not is kept, lost or torn in the middle of
// a record, as fsync(2) leaves open.
#pragma once

#include <string>
#include <vector>

#include "hale/sim/core/choice.hpp"
#include "hale/world/clock.hpp"
#include "hale/world/journal.hpp"

namespace hale::sim {

/// What is on the disk; outlives the supervisors that write to it.
class simulated_disk {
 public:
  /// `chance` outlives it.
  explicit simulated_disk(choices& chance) : chance_(chance) {}

  /// The machine loses power, or the supervisor dies with its buffers.
  void crash();

  std::error_code append_fails;                                 ///< as by ENOSPC, where set
  std::error_code sync_fails;                                   ///< as by EIO, where set
  duration sync_takes = std::chrono::milliseconds(2);

 private:
  friend class simulated_journal;
  choices& chance_;
  std::vector<std::string> synced_;
  std::vector<std::string> unsynced_;
  bool torn_ = false;
};

class simulated_journal final : public journal {
 public:
  /// Both outlive it.
  simulated_journal(simulated_disk& disk, const hale::clock& time) : disk_(disk), clock_(time) {}

  std::error_code append(std::string_view record) noexcept override;
  task<std::error_code> sync(deadline limit) override;
  task<result<journal_contents>> replay() override;
  task<std::error_code> compact(std::vector<std::string> records, deadline limit) override;

 private:
  task<std::error_code> wait_for_disk(deadline limit);
  simulated_disk& disk_;
  const hale::clock& clock_;
};

}  // namespace hale::sim
