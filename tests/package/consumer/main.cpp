// Keeps one process alive until it serves, and stops it again.
#include <fmt/core.h>
#include <hale/hale.hpp>

hale::task<void> stop_once_it_serves(hale::world& world, hale::supervisor& cluster) {
  while (cluster.status().services[0].serving == 0) co_await world.clock.sleep_for(std::chrono::milliseconds(10));
  fmt::print("sleeper serves as pid {}\n", cluster.status().services[0].instances[0].pid);
  cluster.request_stop("seen");
}

int main() {
  return hale::run([](hale::world& world) -> hale::task<int> {
    hale::service_spec sleeper;
    sleeper.name = "sleeper";
    sleeper.command = {"sleep", "600"};
    sleeper.instances.push_back({"sleeper", 0});
    hale::cluster_spec spec;
    spec.services.push_back(sleeper);
    hale::supervisor cluster(world, spec);
    const hale::context here = co_await hale::this_context();
    hale::scope beside(here);
    beside.spawn(stop_once_it_serves(world, cluster));
    co_await cluster.run();
    co_await beside.join();
    co_return 0;
  });
}
