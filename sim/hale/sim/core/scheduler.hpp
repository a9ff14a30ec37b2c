// The heart of the simulator: it runs whatever is ready, one step at a time in an order that is a choice, and when
// nothing is, lets time jump to the next timer. A world in which nothing can happen any more, and one in which time
// stands still, come to light here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "hale/async/timer_queue.hpp"
#include "hale/sim/core/choice.hpp"
#include "hale/sim/core/node.hpp"
#include "hale/sim/core/trace.hpp"

namespace hale::sim {

struct scheduler_options {
  /// Ready steps among which the next is chosen; 1: always the oldest.
  std::uint64_t pick_window = 1;
  /// How long every step takes.
  duration step_cost{};
  /// Steps without time moving on (step_cost aside) that count as a livelock.
  std::uint64_t max_steps_per_instant = 1'000'000;
};

enum class run_end {
  reached,   ///< the moment asked for
  idle,      ///< nothing is ready and no timer is armed: who still waits, waits for ever
  livelock,  ///< time did not move for too many steps
  halted,    ///< halt() was called
};

class scheduler {
 public:
  /// Both outlive it.
  scheduler(choices& chance, trace& record, scheduler_options options = {});
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler();

  instant now() const noexcept { return now_; }
  choices& chance() noexcept { return chance_; }
  trace& record() noexcept { return trace_; }
  std::uint64_t steps() const noexcept { return trace_.steps(); }
  /// Armed timers and steps that are ready: what waits here.
  std::size_t pending() const noexcept { return timers_.size() + tickets_.size(); }

  /// Lives as long as the scheduler, or until it is retired. `time`, if any, outlives it.
  node& add_node(std::string name, const time_base* time = nullptr);
  /// Kills the node and gives it back; it is not to be used any more.
  void retire(node& one) noexcept;

  /// Runs until no step before or at `until` is left.
  run_end run_until(instant until);
  /// Makes run_until() return after the current step.
  void halt() noexcept { halted_ = true; }
  /// Called after each step, until changed; for tests that look between steps.
  void on_step(std::function<void()> look) { look_ = std::move(look); }
  const scheduler_options& options() const noexcept { return options_; }
  void set_options(const scheduler_options& options) noexcept { options_ = options; }

 private:
  friend class node;

  /// The right to run one step, in the order in which steps became ready: a ring.
  class ticket_ring {
   public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    void push(node* of);
    /// Takes the ticket at `position`; those before it keep their order.
    node* take(std::size_t position) noexcept;

   private:
    std::vector<node*> slots_ = std::vector<node*>(64);
    std::size_t first_ = 0;
    std::size_t size_ = 0;
  };

  void became_ready(node& of) { tickets_.push(&of); }
  void run_step() noexcept;
  void bury() noexcept;

  choices& chance_;
  trace& trace_;
  scheduler_options options_;
  label_id pick_;
  label_id pick_within_;
  instant now_{};
  bool halted_ = false;
  std::uint64_t steps_at_instant_ = 0;
  timer_queue timers_;
  ticket_ring tickets_;
  std::function<void()> look_;
  std::uint64_t next_id_ = 0;
  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<std::unique_ptr<node>> retired_;
  std::vector<node*> dying_;
  bool in_step_ = false;
};

}  // namespace hale::sim
