// Connections in memory for unit tests, as awkward as real ones: they hand out as few bytes at a time as told, stall,
// end in the middle or break. The test keeps the links and turns them; the code under test has the streams.
#pragma once

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hale/async/channel.hpp"
#include "hale/async/pulse.hpp"
#include "hale/base/error.hpp"
#include "hale/world/network.hpp"

namespace hale::test {

/// One direction of a connection.
struct memory_pipe {
  std::size_t capacity = 64 * 1024;
  /// The most one read or write moves; asked anew each time.
  std::function<std::size_t()> piece = [] { return std::size_t{1} << 20; };
  bool stalled = false;  ///< nothing is delivered, nor the end
  bool ended = false;    ///< the writer has sent its last
  bool unread = false;   ///< the reader has gone: writes are EPIPE
  std::error_code broken;
  std::string bytes;
  std::size_t reads = 0;   ///< that gave bytes
  std::size_t writes = 0;  ///< that took bytes
  pulse changed;

  void feed(std::string_view more) {
    bytes += more;
    changed.wake_all();
  }
  void end() {
    ended = true;
    changed.wake_all();
  }
  void stall(bool on) {
    stalled = on;
    changed.wake_all();
  }
  void reset() {
    broken = system_error(ECONNRESET);
    changed.wake_all();
  }
};

/// A whole connection as the test sees it.
struct memory_link {
  memory_pipe to_server;
  memory_pipe to_client;
  std::optional<std::uint32_t> client_user;
  int open_ends = 0;
};

class memory_stream final : public byte_stream {
 public:
  memory_stream(std::shared_ptr<memory_link> link, bool is_server) : link_(std::move(link)), is_server_(is_server) {
    ++link_->open_ends;
  }
  ~memory_stream() override {
    close();
    --link_->open_ends;
  }

  task<result<std::size_t>> read_some(std::span<char> into, deadline limit) override {
    memory_pipe& from = incoming();
    co_await yield();
    const context here = co_await this_context();
    for (;;) {
      if (here.cancelled()) co_return errc::cancelled;
      if (closed_) co_return errc::closed;
      if (from.broken) co_return from.broken;
      if (!from.stalled && !from.bytes.empty()) {
        const std::size_t count = std::min({into.size(), from.bytes.size(), from.piece()});
        from.bytes.copy(into.data(), count);
        from.bytes.erase(0, count);
        ++from.reads;
        from.changed.wake_all();
        co_return count;
      }
      if (!from.stalled && from.ended) co_return errc::closed;
      const std::error_code failed = co_await from.changed.wait(limit);
      if (failed) co_return failed;
    }
  }

  task<result<std::size_t>> write_some(std::span<const char> from, deadline limit) override {
    memory_pipe& into = outgoing();
    co_await yield();
    const context here = co_await this_context();
    for (;;) {
      if (here.cancelled()) co_return errc::cancelled;
      if (closed_) co_return errc::closed;
      if (into.broken) co_return into.broken;
      if (into.unread || into.ended) co_return system_error(EPIPE);
      const std::size_t room = into.capacity - std::min(into.capacity, into.bytes.size());
      if (room > 0) {
        const std::size_t count = std::min({from.size(), room, into.piece()});
        into.bytes.append(from.data(), count);
        ++into.writes;
        into.changed.wake_all();
        co_return count;
      }
      const std::error_code failed = co_await into.changed.wait(limit);
      if (failed) co_return failed;
    }
  }

  void shutdown_send() noexcept override { outgoing().end(); }
  void close() noexcept override {
    if (std::exchange(closed_, true)) return;
    outgoing().end();
    incoming().unread = true;
    incoming().changed.wake_all();
  }
  std::optional<std::uint32_t> peer_user() const noexcept override {
    return is_server_ ? link_->client_user : std::nullopt;
  }

 private:
  memory_pipe& incoming() noexcept { return is_server_ ? link_->to_server : link_->to_client; }
  memory_pipe& outgoing() noexcept { return is_server_ ? link_->to_client : link_->to_server; }

  std::shared_ptr<memory_link> link_;
  bool is_server_;
  bool closed_ = false;
};

class memory_listener final : public listener {
 public:
  /// A connection that waits to be accepted; the test holds the link, and plays the client by feeding its pipes.
  std::shared_ptr<memory_link> arrive(std::shared_ptr<memory_link> link = std::make_shared<memory_link>()) {
    [[maybe_unused]] const bool room = waiting_.try_send(arrival{std::make_unique<memory_stream>(link, true), {}});
    assert(room);
    return link;
  }
  /// The next accept fails.
  void fail(std::error_code why) {
    [[maybe_unused]] const bool room = waiting_.try_send(arrival{nullptr, why});
    assert(room);
  }

  task<result<std::unique_ptr<byte_stream>>> accept(deadline limit) override {
    ++accepts;
    result<arrival> next = co_await waiting_.receive(limit);
    if (!next) co_return next.error();
    if (next->failed) co_return next->failed;
    co_return std::move(next->stream);
  }
  endpoint local() const override { return endpoint::unix_path("/memory"); }
  void close() noexcept override { waiting_.close(); }

  std::size_t accepts = 0;

 private:
  struct arrival {
    std::unique_ptr<byte_stream> stream;
    std::error_code failed;
  };
  channel<arrival> waiting_{256};
};

}  // namespace hale::test
