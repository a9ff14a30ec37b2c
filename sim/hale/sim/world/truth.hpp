// What really happens on the simulated machines, as the kernel knows it. Oracles judge by this, never by what the
// supervisor believes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hale/base/time.hpp"

namespace hale::sim {

class simulated_process;

enum class signal_sender { supervisor, stranger, oom_killer };

struct sent_signal {
  int number = 0;
  signal_sender from = signal_sender::supervisor;
  bool delivered = true;   ///< false: the target was a zombie, or keeps it pending
};

/// Told in the step in which it happens. Must not act on the world from inside.
class truth_observer {
 public:
  virtual void on_spawn(const simulated_process&) {}
  virtual void on_spawn_failed(std::string_view /*instance*/) {}
  /// It is a zombie from now on.
  virtual void on_exit(const simulated_process&) {}
  virtual void on_reaped(const simulated_process&) {}
  virtual void on_signal(const simulated_process& /*to*/, const sent_signal&) {}
  virtual void on_listen(const simulated_process&, std::uint16_t /*port*/) {}
  virtual void on_unlisten(const simulated_process&, std::uint16_t /*port*/) {}
  virtual void on_oom_kill(const simulated_process& /*victim*/) {}

 protected:
  ~truth_observer() = default;
};

class truth {
 public:
  /// `who` outlives it.
  void observe(truth_observer& who) { observers_.push_back(&who); }
  /// Nobody is told anything any more: those who observed are gone.
  void silence() noexcept { observers_.clear(); }
  template <class Tell>
  void tell(Tell&& what) {
    for (truth_observer* one : observers_) what(*one);
  }

 private:
  std::vector<truth_observer*> observers_;
};

}  // namespace hale::sim
