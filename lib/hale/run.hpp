// hale::run: a whole program in the real world. Makes the world with its defaults, runs the coroutine to its end and
// gives back its number. SIGINT, SIGTERM and SIGHUP cancel it. What it throws comes out of run().
//
//     int main() {
//       return hale::run([](hale::world& world) -> hale::task<int> { ... co_return 0; });
//     }
#pragma once

#include <functional>

#include "hale/async/task.hpp"
#include "hale/world/world.hpp"

namespace hale {

int run(const std::function<task<int>(world&)>& program);

}  // namespace hale
