// One single-threaded party of a simulation: a supervisor, a process, the kernel, the hand that injects faults. It is
// the executor its coroutines run on, so it can be told apart in the trace, stopped and continued, and killed with all
// its coroutines at whatever they wait for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hale/async/executor.hpp"
#include "hale/async/root.hpp"

namespace hale::sim {

class scheduler;

/// What a machine's own clock makes of the simulation's time.
class time_base {
 public:
  virtual instant local(instant simulated) const noexcept = 0;
  /// The earliest moment of the simulation at which local() has reached `at`.
  virtual instant simulated(instant at) const noexcept = 0;

 protected:
  ~time_base() = default;
};

class node final : public executor {
 public:
  node(scheduler& in, std::uint64_t id, std::string name, const time_base* time) noexcept
      : scheduler_(in), id_(id), name_(std::move(name)), time_(time) {}
  ~node();

  std::uint64_t id() const noexcept { return id_; }
  const std::string& name() const noexcept { return name_; }

  /// Runs `body` in steps of this node.
  void start(task<void> body);
  /// Every coroutine that was started has ended.
  bool idle() const noexcept;

  /// While stopped nothing of it runs; what becomes ready waits.
  void stop() noexcept { stopped_ = true; }
  void go_on() noexcept;
  bool stopped() const noexcept { return stopped_; }
  /// How many steps of it have run.
  std::uint64_t steps() const noexcept { return steps_; }

  /// Destroys all its coroutines, wherever they wait, before the next step of anything. Nothing of it runs any more.
  void kill() noexcept;
  bool killed() const noexcept { return killed_; }

  void post(work& item) noexcept override;
  bool closing() const noexcept override { return killed_; }
  void arm(timer& item, instant due) noexcept override;
  void disarm(timer& item) noexcept override;

 private:
  friend class scheduler;
  void destroy_coroutines() noexcept;
  work& take(std::uint64_t position) noexcept;

  scheduler& scheduler_;
  std::uint64_t id_;
  std::string name_;
  const time_base* time_;
  intrusive_list<work> ready_;
  std::size_t tickets_withheld_ = 0;
  std::uint64_t steps_ = 0;
  bool stopped_ = false;
  bool killed_ = false;
  std::vector<std::unique_ptr<root<void>>> roots_;
  std::size_t roots_bound_ = 16;  ///< at which those that have ended are cleared away
};

}  // namespace hale::sim
