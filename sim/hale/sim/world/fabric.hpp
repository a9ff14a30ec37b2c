// The network between and on the simulated machines: who listens where, connections with their latency, links that are
// cut in one direction or both, unix datagrams. "127.0.0.1", "::1" and "localhost" are the machine itself; any other
// host is the name of a machine.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hale/sim/world/connection.hpp"

namespace hale::sim {

class machine;
class simulated_process;

/// How the network behaves; integers throughout, every chance 0 unless a run draws it.
struct weather {
  duration least_latency = std::chrono::microseconds(20);
  duration latency_spread = std::chrono::microseconds(80);
  ratio tail{0, 1000};  ///< of segments that take the long way
  duration longest_tail = std::chrono::milliseconds(100);
  ratio partial{0, 100};  ///< of connections that move a few bytes at a time
  ratio stall{0, 1000};   ///< of connections on which at some byte nothing comes any more
  ratio reset{0, 1000};   ///< of connections that are reset at some byte
};

/// Somebody's want of something: what stands in the way of one party's network calls.
struct network_limits {
  bool no_descriptors = false;  ///< connect and accept fail with EMFILE
};

class listening_port;

class fabric {
 public:
  explicit fabric(scheduler& time);
  fabric(const fabric&) = delete;
  fabric& operator=(const fabric&) = delete;
  ~fabric();

  scheduler& time() const noexcept { return time_; }
  weather& conditions() noexcept { return weather_; }
  void add_machine(machine& one);
  machine* find_machine(std::string_view name) const noexcept;

  /// The network as a party on `where` has it. `owner` is the process, null for a supervisor; `limits` (may be null)
  /// outlives it.
  std::unique_ptr<hale::network> network_of(machine& where, simulated_process* owner,
                                            const network_limits* limits = nullptr);

  /// As `owner` (null: a supervisor). EADDRINUSE where somebody listens, unless all who do reuse the port.
  result<std::unique_ptr<listener>> listen(machine& where, simulated_process* owner, endpoint at, bool reuse_port,
                                           const network_limits* limits = nullptr);

  /// Nothing gets from one machine to the other until it is unblocked: partitions are made of this.
  void block(const machine& from, const machine& to, bool blocked);
  bool blocked(const machine& from, const machine& to) const noexcept {
    return !blocked_.empty() && blocked_.contains({id_of(from), id_of(to)});
  }
  /// Connecting to this port is neither accepted nor refused: as behind a firewall that drops.
  void swallow_connects(const machine& at, std::uint16_t port, bool swallow);
  /// Who listens there; null if nobody.
  const simulated_process* listening_process(const machine& at, std::uint16_t port) const noexcept;

  duration latency() noexcept;
  void send_datagram(machine& from, std::string_view path, std::string text, std::int64_t pid);

 private:
  friend class host_network;
  friend class simulated_listener;
  friend class simulated_datagram_socket;
  struct datagram_queue;

  std::uint16_t ephemeral_port(std::size_t on) noexcept;
  std::size_t id_of(const machine& one) const noexcept;
  connection_trouble draw_trouble() noexcept;
  void remember(const std::shared_ptr<connection>& link);
  void wake_links() noexcept;

  using place = std::pair<std::size_t, std::uint16_t>;  ///< machine, port

  scheduler& time_;
  weather weather_;
  label_id latency_label_;
  label_id tail_label_;
  std::vector<machine*> machines_;
  std::map<place, std::vector<std::shared_ptr<listening_port>>> listeners_;
  std::set<std::pair<std::size_t, std::size_t>> blocked_;
  std::set<place> swallowed_;
  std::map<std::pair<std::size_t, std::string>, std::weak_ptr<datagram_queue>> datagrams_;
  std::vector<std::weak_ptr<connection>> links_;  ///< between different machines
  std::size_t links_bound_ = 64;
  pulse unblocked_;
  std::uint16_t next_port_ = 32768;
};

}  // namespace hale::sim
