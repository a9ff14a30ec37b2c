// One connection of the HTTP server: requests one after another, each read whole, handled and answered before the next.
// While a handler runs the connection goes on reading, to learn that the peer has closed; what it reads is kept for the
// next request. For the sources of this room only.
#pragma once

#include <memory>
#include <string>

#include "hale/async/trigger.hpp"
#include "hale/wire/http_server.hpp"

namespace hale {

class http_parser;

class http_connection final : http_responder {
 public:
  /// `handler` and `options` outlive it.
  http_connection(std::unique_ptr<byte_stream> stream, http_handler& handler, const http_server_options& options);

  /// Serves until either side closes, a bound is passed, or it is cancelled.
  task<void> serve();
  /// Answers `status` unasked, and closes.
  task<void> refuse(int status);

 private:
  enum class answer { none, whole, stream };

  task<std::error_code> send(http_response response) override;
  task<std::error_code> begin(http_response head) override;
  task<std::error_code> write(std::string piece) override;
  bool peer_gone() const noexcept override { return gone_; }

  task<bool> serve_one(bool first);
  task<int> receive(http_parser& parser, bool first);
  task<bool> reply_to(http_request request);
  task<bool> run_handler(http_request request);
  task<void> watch_peer();
  task<std::error_code> read_more(deadline limit);
  task<std::error_code> transmit(std::string bytes);
  task<void> say(int status);
  task<void> hang_up();
  deadline within(duration wait) const noexcept { return options_.clock->after(wait); }

  std::unique_ptr<byte_stream> stream_;
  http_handler& handler_;
  const http_server_options& options_;
  http_peer peer_;
  std::string unread_;      ///< came in and belongs to no request yet
  bool gone_ = false;       ///< no more will come in
  std::error_code broken_;  ///< nothing more can go out

  // Of the request in hand.
  answer answered_ = answer::none;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool version_1_0_ = false;
  std::optional<trigger> streaming_;
};

}  // namespace hale
