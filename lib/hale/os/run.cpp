#include "hale/run.hpp"

#include "hale/async/race.hpp"
#include "hale/os/linux_world.hpp"

namespace hale {
namespace {

task<int> until_told_to_stop(os::linux_world& here) {
  const result<int> number = co_await here.next_signal();
  co_return number ? *number : 0;
}

task<int> run_until_told_to_stop(task<int> program, os::linux_world& here) {
  auto both = race(std::move(program), until_told_to_stop(here));
  auto outcome = co_await both;
  co_return outcome.get<0>();
}

}  // namespace

int run(const std::function<task<int>(world&)>& program) {
  os::linux_world here;
  return here.run(run_until_told_to_stop(program(here.view()), here));
}

}  // namespace hale
