#include "hale/sim/oracle/oracle.hpp"

namespace hale::sim {

std::string_view to_string(run_phase phase) noexcept {
  switch (phase) {
    case run_phase::warm: return "warm";
    case run_phase::chaos: return "chaos";
    case run_phase::heal: return "heal";
    case run_phase::quiet: return "quiet";
    case run_phase::end: return "end";
    case run_phase::over: return "over";
  }
  return "?";
}

void oracle::violated(std::string what) noexcept { judge_->condemn(number_, name_, std::move(what)); }

void judge::add(std::unique_ptr<oracle> one) {
  one->judge_ = this;
  context_.play.record().observe(*one);
  context_.play.subscribe(*one);
  context_.faults.observe(*one);
  oracles_.push_back(std::move(one));
}

void judge::tick() {
  for (const auto& one : oracles_) one->on_tick();
}

void judge::enter(run_phase phase) {
  phase_ = phase;
  for (const auto& one : oracles_) one->on_phase(phase);
}

void judge::condemn(int number, std::string_view name, std::string what) {
  if (verdict_) return;
  verdict_ = violation{number, std::string(name), std::move(what), context_.history.now()};
  context_.play.time().halt();
}

}  // namespace hale::sim
