// Logs as files: `<directory>/<instance>.log`, older ones `.log.1`, `.log.2` … with the newest of them first. A file is
// open only while it is written, and all logs share one buffer, so that an instance costs next to nothing.
//
// A rotation drops the oldest file, but never the one that holds the end of the run before the current one: that one is
// what says why it ended. So that there is room for it, at least three files are kept.
#pragma once

#include <string>

#include "hale/world/log_store.hpp"

namespace hale::os {

class file_log;

class file_log_store final : public log_store {
 public:
  /// The directory is made when it is first needed.
  explicit file_log_store(std::string directory) : directory_(std::move(directory)) {}
  std::unique_ptr<instance_log> open(std::string_view instance, log_limits limits) override;

  /// For logs that are opened later.
  void use_directory(std::string directory) { directory_ = std::move(directory); }
  const std::string& directory() const noexcept { return directory_; }

 private:
  friend class file_log;
  std::string directory_;
  // What was appended and is not written yet, all of one log.
  std::string pending_;
  std::uint64_t pending_lines_ = 0;
  file_log* pending_of_ = nullptr;
};

/// The name of a file for an instance called `name`: letters, digits and `._-:@+` as they are, others as %XX.
std::string log_file_name(std::string_view name);

}  // namespace hale::os
