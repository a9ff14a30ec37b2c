// The HTTP/1.1 server of the control interface: it reads whole requests within bounds, hands them to a handler one at a
// time for each connection, and writes what the handler gives. Everything it waits for has a limit: a slow peer, a
// flood of connections, a reader that does not read cost a bounded amount and no more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "hale/wire/http_message.hpp"
#include "hale/world/clock.hpp"
#include "hale/world/network.hpp"

namespace hale {

struct http_peer {
  http_peer() = default;
  std::optional<std::uint32_t> user;  ///< of a unix connection, where the kernel tells
};

/// How a handler answers: one send(), or one begin() and then any number of write(). An error says the peer cannot be
/// reached any more (errc::closed, errc::timed_out, an errno; errc::cancelled), and every later call gives one too.
class http_responder {
 public:
  /// The whole response.
  virtual task<std::error_code> send(http_response response) = 0;
  /// The status and fields of a response whose body follows in pieces; its own body is the first piece, if any. The
  /// response ends when the handler returns. From here on the handler is cancelled as soon as the peer closes.
  virtual task<std::error_code> begin(http_response head) = 0;
  /// The next piece of the body. errc::closed when nobody wants it (the peer has gone, the request was HEAD).
  virtual task<std::error_code> write(std::string piece) = 0;
  /// The peer has sent its last, or the connection broke.
  virtual bool peer_gone() const noexcept = 0;

 protected:
  ~http_responder() = default;
};

class http_handler {
 public:
  virtual ~http_handler() = default;
  /// REQUIRES: answers once through `reply`. A handler that throws, or returns without an answer, gives a 500. Several
  /// may run at once, one for each connection; each is cancelled with the server.
  virtual task<void> handle(http_request request, http_responder& reply, http_peer peer) = 0;
};

struct http_server_options {
  explicit http_server_options(const hale::clock& time) : clock(&time) {}

  const hale::clock* clock;
  http_limits limits;
  std::size_t max_connections = 64;                         ///< further ones get 503 and are closed
  duration request_timeout = std::chrono::seconds(10);      ///< from a request's first byte (or the accept) to its last
  duration idle_timeout = std::chrono::seconds(60);         ///< between requests
  duration write_timeout = std::chrono::seconds(10);        ///< for a response, or one piece of it
  duration accept_pause = std::chrono::milliseconds(100);   ///< after an error of accept such as EMFILE
  /// Who may connect at all; others get 403. Empty: everybody.
  std::function<bool(const http_peer&)> authorize;
};

/// Serves until it is cancelled or the listener is closed, then ends every connection with its handler and returns.
/// Both references outlive it.
///   malformed 400 · target too long 414 · header too large 431 · body too large 413 · too slow 408 · Expect not met 417
task<void> serve_http(listener& at, http_handler& handler, http_server_options options);

}  // namespace hale
