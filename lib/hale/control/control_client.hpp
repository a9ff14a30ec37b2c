// The other end of the control API, for the command line: one request at a time, each on a connection of its own, and
// streams that are read line by line.
#pragma once

#include <memory>
#include <string>

#include "hale/wire/http_stream.hpp"
#include "hale/world/network.hpp"

namespace hale {

/// A response that is read as it comes.
class control_stream {
 public:
  control_stream(std::unique_ptr<byte_stream> over, http_limits limits);

  /// The head; where its status is not 200 the lines that follow are the error's.
  const http_response& head() const noexcept { return head_; }
  /// The next line; errc::closed after the last.
  task<result<std::string>> next(deadline limit);
  /// After errc::closed: whether the stream was ended by the supervisor, or cut short.
  bool complete() const noexcept { return stream_->complete(); }

 private:
  friend class control_client;
  std::unique_ptr<byte_stream> over_;
  std::unique_ptr<http_stream> stream_;
  http_response head_;
};

class control_client {
 public:
  /// `token` is for TCP; empty on a unix socket. The network outlives it.
  control_client(hale::network& through, endpoint where, std::string token = {});

  /// The whole response, whatever its status. An error means that nobody answered there: no supervisor.
  task<result<http_response>> request(std::string method, std::string target, std::string body, deadline limit);
  /// `limit` is for the head of the response; each line has its own.
  task<result<std::unique_ptr<control_stream>>> follow(std::string target, deadline limit);

 private:
  http_request make_request(std::string method, std::string target, std::string body) const;

  hale::network& network_;
  endpoint where_;
  std::string token_;
};

/// What a response that is no success says of why, or the words for its status; one line.
std::string error_message(const http_response& response);

}  // namespace hale
