// One simulated TCP connection and its two ends. Bytes are never lost, reordered or made up: they are late, come in
// pieces, stop coming, or the connection is closed or reset, as tcp(7) allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <system_error>

#include "hale/async/pulse.hpp"
#include "hale/sim/core/scheduler.hpp"
#include "hale/sim/world/machine_clock.hpp"
#include "hale/world/network.hpp"

namespace hale::sim {

class fabric;
class machine;

/// One direction.
struct stream_pipe {
  struct segment {
    instant arrives;  ///< simulated time
    std::string bytes;
    std::size_t taken = 0;
  };
  static constexpr std::size_t capacity = 64 * 1024;

  std::deque<segment> segments;
  std::size_t bytes = 0;
  bool ended = false;          ///< the writer has sent its last
  bool reader_closed = false;  ///< nobody will read any more
  std::error_code broken;      ///< met once what has arrived is read
  pulse changed;

  void break_off(std::error_code why) noexcept {
    broken = why;
    changed.wake_all();
  }
};

/// What goes wrong with one connection; drawn when it is made.
struct connection_trouble {
  std::size_t piece_bytes = SIZE_MAX;  ///< the most that one read or write moves
  std::size_t stalls_after = SIZE_MAX;  ///< bytes from the server, after which nothing is delivered any more
  std::size_t resets_after = SIZE_MAX;  ///< bytes from the server, after which the connection is reset
  duration extra_latency{};
};

struct connection {
  machine* client = nullptr;
  machine* server = nullptr;
  stream_pipe to_server;
  stream_pipe to_client;
  connection_trouble trouble;
  std::size_t from_server = 0;  ///< bytes so far
  bool accepted = false;
};

class simulated_stream final : public byte_stream {
 public:
  simulated_stream(fabric& net, std::shared_ptr<connection> link, bool is_server);
  ~simulated_stream() override;

  task<result<std::size_t>> read_some(std::span<char> into, deadline limit) override;
  task<result<std::size_t>> write_some(std::span<const char> from, deadline limit) override;
  void shutdown_send() noexcept override;
  void close() noexcept override;
  std::optional<std::uint32_t> peer_user() const noexcept override { return std::nullopt; }
  /// A listener has given it out; until then its end is a reset.
  void accepted() noexcept { link_->accepted = true; }

 private:
  stream_pipe& incoming() noexcept { return is_server_ ? link_->to_server : link_->to_client; }
  stream_pipe& outgoing() noexcept { return is_server_ ? link_->to_client : link_->to_server; }
  const machine_clock& clock() const noexcept;
  bool heard() const noexcept;
  bool delivering() const noexcept;
  std::size_t take(std::span<char> into) noexcept;
  deadline next_arrival(deadline limit) noexcept;

  fabric& fabric_;
  std::shared_ptr<connection> link_;
  bool is_server_;
  bool closed_ = false;
};

}  // namespace hale::sim
