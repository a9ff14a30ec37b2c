// Worlds that do not do what they say, for planting mistakes that a supervisor would make: each part passes everything
// on until something of it is overridden.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "hale/sim/world/seat.hpp"

namespace canary {

/// A process as a supervisor holds it.
class told_process : public hale::process {
 public:
  explicit told_process(std::unique_ptr<hale::process> truly) : truly_(std::move(truly)) {}

  std::int64_t pid() const noexcept override { return truly_->pid(); }
  hale::task<hale::result<hale::exit_status>> wait(hale::deadline limit) override { return truly_->wait(limit); }
  std::error_code signal(int number, hale::signal_reach reach) noexcept override {
    return truly_->signal(number, reach);
  }
  hale::task<std::error_code> kill_tree(hale::deadline limit) override { return truly_->kill_tree(limit); }
  bool tree_alive() const noexcept override { return truly_->tree_alive(); }
  hale::process_usage usage() const noexcept override { return truly_->usage(); }
  std::uint64_t oom_kills() const noexcept override { return truly_->oom_kills(); }
  bool contains(std::int64_t pid) const noexcept override { return truly_->contains(pid); }

 protected:
  std::unique_ptr<hale::process> truly_;
};

class told_host : public hale::process_host {
 public:
  explicit told_host(hale::sim::seat& at) : seat_(at) {}

  hale::task<hale::result<std::unique_ptr<hale::process>, hale::spawn_error>> spawn(hale::process_spec spec) override {
    auto spawning = seat_.host().spawn(std::move(spec));
    auto spawned = co_await std::move(spawning);
    if (!spawned) co_return spawned.error();
    std::unique_ptr<hale::process> shown = wrap(std::move(*spawned));
    co_return shown;
  }
  hale::port_holder find_listener(std::uint16_t port) noexcept override { return seat_.host().find_listener(port); }
  std::int64_t own_pid() const noexcept override { return seat_.host().own_pid(); }

  /// What the supervisor gets in place of `truly`.
  std::function<std::unique_ptr<hale::process>(std::unique_ptr<hale::process> truly)> wrap =
      [](std::unique_ptr<hale::process> truly) { return truly; };

 protected:
  hale::sim::seat& seat_;
};

class told_network : public hale::network {
 public:
  explicit told_network(hale::network& truly) : truly_(truly) {}

  hale::task<hale::result<std::unique_ptr<hale::byte_stream>>> connect(hale::endpoint to,
                                                                       hale::deadline limit) override {
    return truly_.connect(std::move(to), limit);
  }
  hale::result<std::unique_ptr<hale::listener>> listen(hale::endpoint at) override {
    return truly_.listen(std::move(at));
  }
  std::error_code check_bindable(hale::endpoint at) noexcept override {
    return says_bindable ? std::error_code() : truly_.check_bindable(std::move(at));
  }
  hale::result<std::unique_ptr<hale::datagram_socket>> bind_datagram(std::string path) override {
    return truly_.bind_datagram(std::move(path));
  }

  bool says_bindable = false;

 private:
  hale::network& truly_;
};

/// A seat's world with these two parts in place of the true ones.
struct told_world {
  explicit told_world(hale::sim::seat& at) : told_world(at, std::make_unique<told_host>(at)) {}
  told_world(hale::sim::seat& at, std::unique_ptr<told_host> processes)
      : host(std::move(processes)), network(at.world().network),
        whole{at.world().executor, at.world().clock, *host, network, at.world().random, at.world().logs} {}

  std::unique_ptr<told_host> host;
  told_network network;
  hale::world whole;
};

/// For stage_options::deceive.
inline std::shared_ptr<hale::world> as_world(const std::shared_ptr<told_world>& told) {
  return std::shared_ptr<hale::world>(told, &told->whole);
}

}  // namespace canary
