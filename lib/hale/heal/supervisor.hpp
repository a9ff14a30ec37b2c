// The supervisor of one cluster: starts its services in order, keeps them serving, obeys commands, and stops everything
// before it returns. It is itself a coroutine, and runs in any world.
//
//     supervisor cluster(world, spec);
//     cluster.subscribe(log);
//     co_await cluster.run();          // until request_stop(), or until its scope is cancelled
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hale/async/task.hpp"
#include "hale/base/time.hpp"
#include "hale/heal/event.hpp"
#include "hale/heal/spec.hpp"
#include "hale/heal/status.hpp"
#include "hale/world/world.hpp"

namespace hale {

/// What became of a command. `message` is empty on success, else one line that says why and what to do next.
struct command_result {
  enum class outcome {
    done,
    unknown_name,  ///< no service or instance of that name; the message names the nearest
    refused,       ///< not possible in its state (foreign …)
    failed,        ///< tried, and it did not get there
  };
  outcome status = outcome::done;
  std::string message;
};

class supervisor {
 public:
  /// Throws std::invalid_argument, naming every fault, for a spec that validate() (validate.hpp) rejects.
  supervisor(hale::world& world, cluster_spec spec);
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;
  ~supervisor();

  /// Starts the cluster and supervises it until it is asked to stop; returns when nothing it started lives. Once.
  task<void> run();

  /// Stops everything in reverse order. The second call kills at once what is left.
  void request_stop(std::string reason) noexcept;
  bool stopping() const noexcept;

  /// `sink` outlives the supervisor or is unsubscribed. Events come in the order of their sequence numbers.
  void subscribe(event_sink& sink);
  void unsubscribe(event_sink& sink) noexcept;

  /// Commands take a service or an instance name. With `wait` they end when it serves (start, restart) or when its tree
  /// is gone (stop always waits); without, at once. The caller may be cancelled: the command goes on.
  task<command_result> start(std::string name, bool wait);
  task<command_result> stop(std::string name);
  task<command_result> restart(std::string name, bool wait);

  /// Heartbeats and reports from applications. False, and counted, when nothing here is called so.
  bool heartbeat(std::string_view instance) noexcept;
  bool heartbeat_port(std::uint16_t port) noexcept;
  bool report_request(std::string_view instance, duration took, bool success) noexcept;

  /// The path children find in NOTIFY_SOCKET; datagrams that arrive there are given to on_notify. Set before run().
  void set_notify_path(std::string path);
  /// One datagram in the format of sd_notify(3), with the pid the kernel names. Counted where it is no instance's.
  void on_notify(std::string_view bytes, std::int64_t sender_pid) noexcept;

  cluster_status status() const;
  const cluster_spec& spec() const noexcept;
  /// The log of an instance; null when nothing is called so.
  instance_log* log(std::string_view instance) const noexcept;
  /// The instances that `name` (an instance or a service) stands for; empty when unknown.
  std::vector<std::string> instances_of(std::string_view name) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace hale
