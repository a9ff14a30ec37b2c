// Processes that run simulations beside each other, one a job: an abort inside takes only its own run with it. They
// send back parts over pipes. SIGINT and SIGTERM end the waiting.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hale::cli {

/// What a worker sends. Of each kind the last one sent is kept.
enum class part : char { report = 'r', tape = 't', shrunk = 's', picture = 'h', progress = 'p' };

/// The worker's end.
class worker_output {
 public:
  explicit worker_output(int descriptor) : descriptor_(descriptor) {}
  void send(part kind, std::string_view bytes);

 private:
  int descriptor_;
};

struct worker_end {
  std::uint64_t job = 0;
  std::map<part, std::string> parts;
  std::string crash;    ///< how it ended; empty: as it should
  std::string errors;   ///< the beginning of what it wrote to standard error
};

class workers {
 public:
  /// As many processes at a time as there are processors to run them.
  workers();
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;
  /// Kills those that still run.
  ~workers();

  bool room() const noexcept { return running_.size() < most_; }
  bool idle() const noexcept { return running_.empty(); }
  bool interrupted() const noexcept { return interrupted_; }
  /// `body` runs in a process of its own; what it throws is a crash. Throws std::system_error when there is none.
  void start(std::uint64_t job, const std::function<void(worker_output&)>& body);
  /// The next that ends; nothing when `patience` is over, or after an interrupt. REQUIRES: !idle()
  std::optional<worker_end> next(int patience_ms);
  /// The newest part of that kind from each that still runs, by job.
  std::map<std::uint64_t, std::string> newest(part kind) const;
  /// Ends those that still run.
  void kill_all() noexcept;

 private:
  struct worker;
  void take_bytes(worker& from, int descriptor);
  void take_parts(worker& from);
  std::optional<worker_end> finish(std::size_t at);

  std::size_t most_;
  std::vector<std::unique_ptr<worker>> running_;
  int signals_ = -1;
  bool interrupted_ = false;
};

}  // namespace hale::cli
