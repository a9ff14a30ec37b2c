#include "hale/sim/world/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "hale/base/error.hpp"
#include "hale/sim/world/fabric.hpp"
#include "hale/sim/world/machine.hpp"

namespace hale::sim {

simulated_stream::simulated_stream(fabric& net, std::shared_ptr<connection> link, bool is_server)
    : fabric_(net), link_(std::move(link)), is_server_(is_server) {}

simulated_stream::~simulated_stream() { close(); }

const machine_clock& simulated_stream::clock() const noexcept {
  return (is_server_ ? link_->server : link_->client)->clock();
}

/// The other end is not cut off in this direction.
bool simulated_stream::heard() const noexcept {
  const machine* const from = is_server_ ? link_->client : link_->server;
  const machine* const to = is_server_ ? link_->server : link_->client;
  return !fabric_.blocked(*from, *to);
}

bool simulated_stream::delivering() const noexcept {
  return heard() && (is_server_ || link_->from_server < link_->trouble.stalls_after);
}

/// Bytes that have arrived, up to the piece a read may take; 0 if none has.
std::size_t simulated_stream::take(std::span<char> into) noexcept {
  stream_pipe& from = incoming();
  const instant now = fabric_.time().now();
  std::size_t room = std::min(into.size(), link_->trouble.piece_bytes);
  if (!is_server_ && link_->trouble.stalls_after != SIZE_MAX) {
    room = std::min(room, link_->trouble.stalls_after - link_->from_server);
  }
  std::size_t taken = 0;
  while (taken < room && !from.segments.empty() && from.segments.front().arrives <= now) {
    stream_pipe::segment& first = from.segments.front();
    const std::size_t count = std::min(room - taken, first.bytes.size() - first.taken);
    first.bytes.copy(into.data() + taken, count, first.taken);
    first.taken += count;
    taken += count;
    if (first.taken == first.bytes.size()) from.segments.pop_front();
  }
  from.bytes -= taken;
  if (!is_server_) link_->from_server += taken;
  return taken;
}

deadline simulated_stream::next_arrival(deadline limit) noexcept {
  const stream_pipe& from = incoming();
  if (!delivering() || from.segments.empty()) return limit;
  // One more nanosecond: what the machine's clock shows is rounded down.
  const instant there = clock().local(from.segments.front().arrives) + duration(1);
  return std::min(limit, deadline(there));
}

task<result<std::size_t>> simulated_stream::read_some(std::span<char> into, deadline limit) {
  const context here = co_await this_context();
  const std::shared_ptr<connection> kept = link_;  // what it waits on stays, even if the stream is closed meanwhile
  for (;;) {
    if (here.cancelled()) co_return errc::cancelled;
    if (closed_) co_return errc::closed;
    stream_pipe& from = incoming();
    if (delivering()) {
      const std::size_t count = take(into);
      if (count > 0) {
        if (!is_server_ && link_->from_server >= link_->trouble.resets_after) {
          link_->to_client.segments.clear();
          link_->to_client.break_off(system_error(ECONNRESET));
          link_->to_server.break_off(system_error(ECONNRESET));
        }
        from.changed.wake_all();
        co_return count;
      }
      if (from.segments.empty() && from.broken) co_return from.broken;
      if (from.segments.empty() && from.ended) co_return errc::closed;
    }
    if (limit.passed(clock().now())) co_return errc::timed_out;
    const deadline until = next_arrival(limit);
    const std::error_code why = co_await from.changed.wait(until);
    if (why == errc::cancelled) co_return why;
  }
}

task<result<std::size_t>> simulated_stream::write_some(std::span<const char> from, deadline limit) {
  const context here = co_await this_context();
  const std::shared_ptr<connection> kept = link_;
  for (;;) {
    if (here.cancelled()) co_return errc::cancelled;
    if (closed_) co_return errc::closed;
    stream_pipe& into = outgoing();
    if (into.ended) co_return system_error(EPIPE);
    if (heard() && into.broken) co_return into.broken;
    if (heard() && into.reader_closed) {
      // The kernel takes it; only the reset that answers it tells that nobody reads any more.
      into.broken = system_error(EPIPE);
      co_return std::min(from.size(), link_->trouble.piece_bytes);
    }
    const std::size_t room = stream_pipe::capacity - std::min(stream_pipe::capacity, into.bytes);
    if (room > 0) {
      const std::size_t count = std::min({from.size(), room, link_->trouble.piece_bytes});
      stream_pipe::segment sent;
      sent.arrives = fabric_.time().now() + fabric_.latency() + link_->trouble.extra_latency;
      if (!into.segments.empty()) sent.arrives = std::max(sent.arrives, into.segments.back().arrives);
      sent.bytes.assign(from.data(), count);
      into.segments.push_back(std::move(sent));
      into.bytes += count;
      into.changed.wake_all();
      co_return count;
    }
    if (limit.passed(clock().now())) co_return errc::timed_out;
    const std::error_code why = co_await into.changed.wait(limit);
    if (why == errc::cancelled) co_return why;
  }
}

void simulated_stream::shutdown_send() noexcept {
  outgoing().ended = true;
  outgoing().changed.wake_all();
}

// As Linux does: who closes without having read everything resets the connection, and so is one nobody accepted.
void simulated_stream::close() noexcept {
  if (std::exchange(closed_, true)) return;
  stream_pipe& in = incoming();
  stream_pipe& out = outgoing();
  in.reader_closed = true;
  out.ended = true;
  if (in.bytes > 0 || !link_->accepted) {
    in.broken = system_error(ECONNRESET);
    out.broken = system_error(ECONNRESET);
  }
  in.changed.wake_all();
  out.changed.wake_all();
}

}  // namespace hale::sim
