// A record of what was decided, for the supervisor that comes after a crash. Records are whole or absent: a tail that
// was torn by the crash is cut off, and said to be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hale/async/task.hpp"
#include "hale/base/result.hpp"
#include "hale/base/time.hpp"

namespace hale {

struct journal_contents {
  std::vector<std::string> records;  ///< oldest first
  bool tail_was_torn = false;        ///< bytes after the last whole record were dropped
};

class journal {
 public:
  static constexpr std::size_t max_record_bytes = 64 * 1024;

  virtual ~journal() = default;
  /// Adds a record at the end. It survives a crash for certain only once a later sync() has succeeded.
  /// errc::too_large beyond max_record_bytes, or an errno.
  virtual std::error_code append(std::string_view record) noexcept = 0;
  /// Makes everything appended so far durable. An errno, errc::timed_out or errc::cancelled: then it may be so or not.
  virtual task<std::error_code> sync(deadline limit) = 0;
  /// All whole records. Cuts off a torn tail, so that the next append follows the last whole record.
  virtual task<result<journal_contents>> replay() = 0;
  /// Puts these in the place of everything, durably and at once: after a crash there are either the old or the new.
  virtual task<std::error_code> compact(std::vector<std::string> records, deadline limit) = 0;
};

}  // namespace hale
