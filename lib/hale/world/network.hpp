// Byte streams and datagrams. Streams never lose, reorder or invent bytes: they are slow, partial, half closed, stalled
// or reset. Every operation that can wait takes a deadline; a result's error is an errno, errc::timed_out,
// errc::cancelled or errc::closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "hale/async/task.hpp"
#include "hale/base/result.hpp"
#include "hale/base/time.hpp"

namespace hale {

/// A TCP address (numeric IPv4 or IPv6 host and port) or the path of a unix socket.
struct endpoint {
  enum class kind : std::uint8_t { tcp, unix_path };
  endpoint() = default;
  static endpoint tcp(std::string host, std::uint16_t port) { return endpoint(kind::tcp, std::move(host), port); }
  static endpoint unix_path(std::string path) { return endpoint(kind::unix_path, std::move(path), 0); }

  kind type = kind::tcp;
  std::string host;  ///< or the path
  std::uint16_t port = 0;

 private:
  endpoint(kind which, std::string where, std::uint16_t number) : type(which), host(std::move(where)), port(number) {}
};

/// One connection. One read and one write may be under way at a time. Destroying it closes it.
class byte_stream {
 public:
  virtual ~byte_stream() = default;
  /// At least one byte, or errc::closed when the peer has sent its last. REQUIRES: !into.empty()
  virtual task<result<std::size_t>> read_some(std::span<char> into, deadline limit) = 0;
  /// At least one byte taken. A peer that is gone is an error, never a signal. REQUIRES: !from.empty()
  virtual task<result<std::size_t>> write_some(std::span<const char> from, deadline limit) = 0;
  /// Says that no more will be sent; reading goes on.
  virtual void shutdown_send() noexcept = 0;
  virtual void close() noexcept = 0;
  /// The user id of the process at the other end of a unix stream, where the kernel tells.
  virtual std::optional<std::uint32_t> peer_user() const noexcept = 0;
};

class listener {
 public:
  virtual ~listener() = default;
  virtual task<result<std::unique_ptr<byte_stream>>> accept(deadline limit) = 0;
  /// The address in use; a port asked for as 0 is the one the system chose.
  virtual endpoint local() const = 0;
  virtual void close() noexcept = 0;
};

struct datagram {
  std::string bytes;             ///< cut at the receiver's bound
  bool truncated = false;        ///< it was longer than that
  std::int64_t sender_pid = 0;   ///< by the kernel's word; 0: unknown
};

class datagram_socket {
 public:
  virtual ~datagram_socket() = default;
  virtual task<result<datagram>> receive(deadline limit) = 0;
};

class network {
 public:
  virtual ~network() = default;
  virtual task<result<std::unique_ptr<byte_stream>>> connect(endpoint to, deadline limit) = 0;
  /// A unix path is created with mode 0600; a stale socket file that nobody serves is replaced, a live one is
  /// EADDRINUSE.
  virtual result<std::unique_ptr<listener>> listen(endpoint at) = 0;
  /// Whether a server could bind `at` now (address reuse allowed, as servers do). Success, or the errno of bind.
  virtual std::error_code check_bindable(endpoint at) noexcept = 0;
  /// A unix datagram socket at `path`, on which the kernel names the sender; a stale file is replaced. Any local user
  /// may write to it.
  virtual result<std::unique_ptr<datagram_socket>> bind_datagram(std::string path) = 0;
};

}  // namespace hale
