#include "hale/control/control_client.hpp"

#include <fmt/format.h>

#include <utility>

#include "hale/record/event_line.hpp"
#include "hale/record/json_fields.hpp"
#include "hale/wire/http_client.hpp"

namespace hale {
namespace {

http_limits client_limits() {
  http_limits limits;
  limits.max_body_bytes = 64 * 1024 * 1024;  // the status of a very large cluster; a line of a stream is far shorter
  return limits;
}

}  // namespace

control_stream::control_stream(std::unique_ptr<byte_stream> over, http_limits limits)
    : over_(std::move(over)), stream_(std::make_unique<http_stream>(*over_, limits)) {}

task<result<std::string>> control_stream::next(deadline limit) { return stream_->read_line(limit); }

control_client::control_client(hale::network& through, endpoint where, std::string token)
    : network_(through), where_(std::move(where)), token_(std::move(token)) {}

http_request control_client::make_request(std::string method, std::string target, std::string body) const {
  http_request request(std::move(method), std::move(target));
  request.body = std::move(body);
  if (where_.type == endpoint::kind::tcp) {
    const bool bracketed = where_.host.find(':') != std::string::npos;
    request.headers.add("Host", bracketed ? fmt::format("[{}]:{}", where_.host, where_.port)
                                          : fmt::format("{}:{}", where_.host, where_.port));
  }
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  if (!token_.empty()) request.headers.add("Authorization", "Bearer " + token_);
  return request;
}

task<result<http_response>> control_client::request(std::string method, std::string target, std::string body,
                                                    deadline limit) {
  auto connecting = network_.connect(where_, limit);
  auto connection = co_await std::move(connecting);
  if (!connection) co_return connection.error();
  http_request asked = make_request(std::move(method), std::move(target), std::move(body));
  auto exchanging = http_exchange(**connection, std::move(asked), client_limits(), limit);
  co_return co_await std::move(exchanging);
}

task<result<std::unique_ptr<control_stream>>> control_client::follow(std::string target, deadline limit) {
  auto connecting = network_.connect(where_, limit);
  auto connection = co_await std::move(connecting);
  if (!connection) co_return connection.error();
  auto stream = std::make_unique<control_stream>(std::move(*connection), client_limits());
  auto opening = stream->stream_->open(make_request("GET", std::move(target), {}), limit);
  auto head = co_await std::move(opening);
  if (!head) co_return head.error();
  stream->head_ = std::move(*head);
  co_return std::move(stream);
}

std::string error_message(const http_response& response) {
  std::string message;
  if (const auto object = parse_json_object(response.body)) {
    json_fields fields(*object);
    fields.text("error", message);
  }
  if (message.empty()) message = fmt::format("the supervisor answered {} {}", response.status, http_reason(response.status));
  return printable(message, 1000);
}

}  // namespace hale
