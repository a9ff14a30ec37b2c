// hale::sim::run: the simulated twin of hale::run. The same program, on one simulated machine whose time jumps from one
// event to the next; the seed decides in which order things happen that may happen in several. Every command that the
// program starts is a model server: it listens on its $PORT, answers 503 while it loads for two seconds, then serves.
// With the same seed the same happens.
//
//     #include <hale/sim/sim.hpp>
//     int main() {
//       return hale::sim::run(42, [](hale::world& world) -> hale::task<int> {
//         hale::service_spec llama;
//         llama.name = "llama";
//         llama.command = {"llama-server"};
//         llama.instances.push_back({"llama", 8080});
//         llama.health.emplace();
//         hale::cluster_spec spec;
//         spec.services.push_back(llama);
//         hale::supervisor cluster(world, spec);
//         const hale::context here = co_await hale::this_context();
//         hale::scope beside(here);
//         beside.spawn(cluster.run());
//         co_await world.clock.sleep_for(std::chrono::hours(24));
//         const bool well = cluster.status().services[0].serving == 1;
//         cluster.request_stop("a day is over");
//         co_await beside.join();
//         co_return well ? 0 : 1;
//       });
//     }
#pragma once

#include <cstdint>
#include <functional>

#include "hale/async/task.hpp"
#include "hale/world/world.hpp"

namespace hale::sim {

/// Gives back the program's number, and throws what it throws. Throws std::runtime_error when the program waits for
/// what can never come, and when time stands still.
int run(std::uint64_t seed, const std::function<task<int>(world&)>& program);

}  // namespace hale::sim
