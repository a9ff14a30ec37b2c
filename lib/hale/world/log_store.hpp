// Where the output of instances is kept: bounded, gapless up to the newest line, the last two runs always there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/ids.hpp"
#include "hale/base/time.hpp"
#include "hale/world/process.hpp"

namespace hale {

struct log_limits {
  std::uint64_t size_bytes = 10ull * 1024 * 1024;  ///< of one file; a new one is begun beyond it
  std::uint32_t keep = 5;                          ///< files of one instance, the current one included
  friend bool operator==(const log_limits&, const log_limits&) = default;
};

/// One line of output. Its kept form is `TIME out|err F|P INCARNATION TEXT`: P where the line goes on in the next record
/// (it was longer than the bound), F where it is whole or ended with its process.
struct log_line {
  wall_time at{};
  incarnation_number incarnation{};
  output_stream stream = output_stream::out;
  bool goes_on = false;
  std::string_view text;  ///< without its newline; any bytes
};

/// The log of one instance. A write that fails (disk full) is counted and later lines are tried again.
class instance_log {
 public:
  virtual ~instance_log() = default;
  /// Takes a line; it may stay in a buffer until flush().
  virtual void append(const log_line& line) noexcept = 0;
  virtual void flush() noexcept = 0;
  /// The newest `count` records in their kept form, oldest first.
  virtual std::vector<std::string> tail(std::size_t count) const = 0;
  /// Lines that could not be written.
  virtual std::uint64_t lines_lost() const noexcept = 0;
};

class log_store {
 public:
  virtual ~log_store() = default;
  virtual std::unique_ptr<instance_log> open(std::string_view instance, log_limits limits) = 0;
};

}  // namespace hale
