// One spawned process and everything that watches it. All its watchers live in one scope that ends with it, so a late
// probe or a stale exit can never touch the successor. An incarnation observes and gives a verdict; what follows from
// the verdict is its instance's affair.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hale/async/scope.hpp"
#include "hale/async/trigger.hpp"
#include "hale/heal/cluster_context.hpp"
#include "hale/heal/launch.hpp"
#include "hale/heal/line_splitter.hpp"
#include "hale/heal/probe.hpp"
#include "hale/policy/diagnosis.hpp"
#include "hale/policy/exit_cause.hpp"
#include "hale/policy/health_tracker.hpp"
#include "hale/policy/signatures.hpp"
#include "hale/policy/vitals.hpp"
#include "hale/wire/notify.hpp"

namespace hale {

/// Why an incarnation is over.
struct ending {
  enum class kind {
    exited,  ///< by itself
    sick,    ///< it lives, and has to go
    told,    ///< a person or the supervisor wants it gone
  };
  kind how = kind::told;
  exit_verdict verdict;
};

/// What an incarnation tells and asks its instance.
class incarnation_listener {
 public:
  virtual void on_serving() = 0;
  /// Each evaluation that changed what is published about its health.
  virtual void on_health(const diagnosis& published) = 0;
  /// Whether it may be taken down now for this verdict; asked again at every later evaluation.
  virtual bool may_take_down(const diagnosis& verdict) = 0;
  virtual void on_signature(const signature_match& match) = 0;
  virtual void on_probe_error(const std::string& why) = 0;
  virtual void on_oom_kills(std::uint64_t count) = 0;
  /// It has been healthy for the service's reset_after, see tell_when_stable().
  virtual void on_stable() = 0;
  /// Lines of its output that could not be kept, so far.
  virtual void on_lines_lost(std::uint64_t count) = 0;

 protected:
  ~incarnation_listener() = default;
};

class incarnation final : output_observer {
 public:
  /// All references outlive it.
  incarnation(cluster_context& cluster, const launch_identity& who, incarnation_listener& listener, instance_log& log);

  /// Starts the process. Nothing on success, the verdict on what went wrong otherwise.
  task<std::optional<exit_verdict>> spawn();

  /// Watches it until it is over. REQUIRES: spawn() succeeded.
  task<ending> watch();

  /// Ends watch() with this verdict, if nothing did before.
  void end(ending how);

  /// Makes it go away, the whole tree, as gently as the specification allows; a process that is gone has only its
  /// leftovers cleared. False when something survives SIGKILL.
  task<bool> clear_away(bool sick);

  /// Asks for on_stable(). REQUIRES: it serves.
  void tell_when_stable();
  void heartbeat();
  void report_request(duration took, bool success);
  void notify(const sd_notification& what);
  /// Verdicts that were about to fall are void: the supervisor was asleep for `late`.
  void forgive(duration late);

  std::int64_t pid() const noexcept { return process_ ? process_->pid() : 0; }
  bool contains(std::int64_t pid) const noexcept { return process_ && process_->contains(pid); }
  bool tree_alive() const noexcept { return process_ && process_->tree_alive(); }
  bool serving() const noexcept { return serving_; }
  bool heartbeats_on() const noexcept { return who_.service.heartbeat.has_value(); }
  const vitals& signs() const noexcept { return vitals_; }
  instant spawned_at() const noexcept { return spawned_at_; }
  /// The longest it has been healthy without a break.
  duration healthy_for() const noexcept;
  /// How it ended, once it has.
  const std::optional<exit_status>& exit() const noexcept { return exit_; }

 private:
  void on_output(output_stream from, std::string_view bytes) noexcept override;
  void take_line(output_stream from, std::string_view line, bool goes_on);
  void finish_output();
  void flush_log();

  task<void> watch_exit();
  task<void> watch_probe();
  task<void> watch_heartbeat();
  task<void> watch_memory();
  task<void> watch_oom();
  task<void> watch_stability();
  task<bool> probe_until_ready();
  task<void> probe_while_serving();
  task<bool> stop_gently(bool sick);
  task<bool> wait_for_exit(duration grace);

  void begin_serving();
  void evaluate();
  void take_probe(const probe_result& answer);
  void note_not_ready(const probe_result& answer);
  bool start_overdue();
  instant answer_due() const;
  void note_start_progress() noexcept;
  void measure_start_progress();
  void count_oom_kills();
  void end_sick(cause why, std::string reason);

  cluster_context& cluster_;
  launch_identity who_;
  incarnation_listener& listener_;
  instance_log& log_;

  std::unique_ptr<resolved_probe> probe_;
  health_thresholds thresholds_;
  vitals vitals_;
  health_tracker tracker_;
  signature_scanner signatures_;
  line_splitter lines_[2];

  scope* watchers_ = nullptr;
  trigger over_;
  std::optional<ending> ending_;
  std::optional<exit_status> exit_;
  bool serving_ = false;
  std::uint64_t oom_kills_ = 0;
  std::uint64_t lines_lost_told_ = 0;
  instant lines_lost_told_at_ = instant::min();
  instant spawned_at_{};
  std::optional<instant> healthy_since_;
  duration longest_healthy_{};       ///< of the stretches that are over
  instant look_due_ = instant::max();  ///< when a watcher is to look next: later than that proves nothing
  instant measured_at_{};  ///< when the process was last measured
  process_usage measured_;

  // While starting.
  instant start_cap_{};
  instant stall_at_{};
  bool path_warned_ = false;

  std::unique_ptr<process> process_;  ///< last: what it still has to say at its end finds everything in place
};

}  // namespace hale
