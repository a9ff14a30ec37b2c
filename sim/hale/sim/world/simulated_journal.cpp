#include "hale/sim/world/simulated_journal.hpp"

#include <algorithm>
#include <utility>

#include "hale/base/error.hpp"

namespace hale::sim {

void simulated_disk::crash() {
  const std::size_t lost = chance_.below(unsynced_.size() + 1, "disk.lost");
  // Of the records that are lost the first may have reached the disk in part.
  if (lost > 0 && chance_.below(2, "disk.torn") == 1) torn_ = true;
  unsynced_.resize(unsynced_.size() - lost);
  synced_.insert(synced_.end(), unsynced_.begin(), unsynced_.end());
  unsynced_.clear();
}

std::error_code simulated_journal::append(std::string_view record) noexcept {
  if (record.size() > max_record_bytes) return errc::too_large;
  if (disk_.append_fails) return disk_.append_fails;
  disk_.unsynced_.emplace_back(record);
  return {};
}

task<std::error_code> simulated_journal::wait_for_disk(deadline limit) {
  const instant done = saturating_add(clock_.now(), disk_.sync_takes);
  const std::error_code cancelled = co_await clock_.sleep_until(std::min(done, limit.at()));
  if (cancelled) co_return cancelled;
  if (done > limit.at()) co_return errc::timed_out;
  co_return disk_.sync_fails;
}

task<std::error_code> simulated_journal::sync(deadline limit) {
  const std::size_t covered = disk_.unsynced_.size();
  auto waiting = wait_for_disk(limit);
  const std::error_code failed = co_await std::move(waiting);
  if (failed) co_return failed;
  const auto end = disk_.unsynced_.begin() + static_cast<std::ptrdiff_t>(std::min(covered, disk_.unsynced_.size()));
  disk_.synced_.insert(disk_.synced_.end(), disk_.unsynced_.begin(), end);
  disk_.unsynced_.erase(disk_.unsynced_.begin(), end);
  co_return std::error_code();
}

task<result<journal_contents>> simulated_journal::replay() {
  journal_contents found;
  found.records = disk_.synced_;
  found.records.insert(found.records.end(), disk_.unsynced_.begin(), disk_.unsynced_.end());
  found.tail_was_torn = std::exchange(disk_.torn_, false);
  co_return found;
}

task<std::error_code> simulated_journal::compact(std::vector<std::string> records, deadline limit) {
  auto waiting = wait_for_disk(limit);
  const std::error_code failed = co_await std::move(waiting);
  if (failed) co_return failed;
  disk_.synced_ = std::move(records);
  disk_.unsynced_.clear();
  disk_.torn_ = false;
  co_return std::error_code();
}

}  // namespace hale::sim
