#include "hale/sim/core/scheduler.hpp"

#include <algorithm>
#include <cassert>

namespace hale::sim {

// --- node -----------------------------------------------------------------------------------------------------------

node::~node() { destroy_coroutines(); }

void node::start(task<void> body) {
  if (killed_) return;
  if (roots_.size() >= roots_bound_) {
    std::erase_if(roots_, [](const auto& one) { return one->done(); });
    roots_bound_ = std::max<std::size_t>(16, 2 * roots_.size());
  }
  roots_.push_back(std::make_unique<root<void>>(*this, std::move(body)));
}

bool node::idle() const noexcept {
  return std::all_of(roots_.begin(), roots_.end(), [](const auto& one) { return one->done(); });
}

void node::post(work& item) noexcept {
  if (killed_) return;
  ready_.push_back(item);
  scheduler_.became_ready(*this);
}

void node::go_on() noexcept {
  stopped_ = false;
  for (; tickets_withheld_ > 0; --tickets_withheld_) scheduler_.became_ready(*this);
}

void node::kill() noexcept {
  if (killed_) return;
  killed_ = true;
  if (scheduler_.in_step_) {
    scheduler_.dying_.push_back(this);
  } else {
    destroy_coroutines();
  }
}

void node::destroy_coroutines() noexcept {
  killed_ = true;
  while (!roots_.empty()) roots_.pop_back();
}

void node::arm(timer& item, instant due) noexcept {
  const instant at = time_ == nullptr || due == instant::max() ? due : time_->simulated(due);
  scheduler_.timers_.insert(item, std::max(at, scheduler_.now_));
}

void node::disarm(timer& item) noexcept { scheduler_.timers_.erase(item); }

work& node::take(std::uint64_t position) noexcept {
  if (position == 0) return ready_.pop_front();
  work* chosen = nullptr;
  std::uint64_t at = 0;
  ready_.for_each([&](work& item) {
    if (at++ == position) chosen = &item;
  });
  chosen->unlink();
  return *chosen;
}

// --- scheduler ------------------------------------------------------------------------------------------------------

void scheduler::ticket_ring::push(node* of) {
  if (size_ == slots_.size()) {
    std::vector<node*> wider(2 * slots_.size());
    for (std::size_t at = 0; at < size_; ++at) wider[at] = slots_[(first_ + at) & (slots_.size() - 1)];
    slots_ = std::move(wider);
    first_ = 0;
  }
  slots_[(first_ + size_++) & (slots_.size() - 1)] = of;
}

node* scheduler::ticket_ring::take(std::size_t position) noexcept {
  const std::size_t mask = slots_.size() - 1;
  node* const taken = slots_[(first_ + position) & mask];
  for (std::size_t at = position; at > 0; --at) slots_[(first_ + at) & mask] = slots_[(first_ + at - 1) & mask];
  first_ = (first_ + 1) & mask;
  --size_;
  return taken;
}

scheduler::scheduler(choices& chance, trace& record, scheduler_options options)
    : chance_(chance), trace_(record), options_(options), pick_(chance.label("pick")),
      pick_within_(chance.label("pick.within")) {}

scheduler::~scheduler() {
  for (const auto& one : nodes_) one->destroy_coroutines();
}

node& scheduler::add_node(std::string name, const time_base* time) {
  nodes_.push_back(std::make_unique<node>(*this, ++next_id_, std::move(name), time));
  return *nodes_.back();
}

// Tickets may still name it: the object stays until none can.
void scheduler::retire(node& one) noexcept {
  one.kill();
  const auto at = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& held) { return held.get() == &one; });
  assert(at != nodes_.end());
  retired_.push_back(std::move(*at));
  nodes_.erase(at);
}

void scheduler::bury() noexcept {
  while (!dying_.empty()) {
    node* const one = dying_.back();
    dying_.pop_back();
    one->destroy_coroutines();
  }
  if (tickets_.empty()) retired_.clear();
}

void scheduler::run_step() noexcept {
  const std::size_t window = std::min<std::size_t>(options_.pick_window, tickets_.size());
  const std::size_t position = window > 1 ? chance_.below(window, pick_) : 0;
  node& whose = *tickets_.take(position);
  if (whose.ready_.empty() || whose.killed_) return;  // what was ready has been destroyed
  if (whose.stopped_) {
    ++whose.tickets_withheld_;
    return;
  }
  std::uint64_t within = 0;
  if (options_.pick_window > 1) {
    std::uint64_t candidates = 0;
    whose.ready_.for_each([&](work&) { ++candidates; });
    within = chance_.below(std::min(candidates, options_.pick_window), pick_within_);
  }
  trace_.step(whose.id_, now_, tickets_.size());
  ++steps_at_instant_;
  ++whose.steps_;
  in_step_ = true;
  whose.take(within).run();
  in_step_ = false;
  now_ += options_.step_cost;
  if (look_) look_();
}

run_end scheduler::run_until(instant until) {
  halted_ = false;
  for (;;) {
    while (!timers_.empty() && timers_.next_due() <= now_) timers_.expire_next();
    bury();
    if (halted_) return run_end::halted;
    if (!tickets_.empty()) {
      if (now_ > until) return run_end::reached;
      if (steps_at_instant_ > options_.max_steps_per_instant) return run_end::livelock;
      run_step();
      continue;
    }
    if (timers_.empty()) {
      if (now_ < until && until != instant::max()) now_ = until;
      return run_end::idle;
    }
    if (timers_.next_due() > until) {
      now_ = std::max(now_, until);
      return run_end::reached;
    }
    now_ = timers_.next_due();
    steps_at_instant_ = 0;
  }
}

}  // namespace hale::sim
