// Clients that send any bytes in any pieces over several connections, and then close, go silent or reset. The server
// hands over only whole requests within its bounds, answers each in its turn with well-formed responses, understands
// the same whatever the pieces, and ends every connection by itself. Choices: limits, how each client ends, pieces;
// connections are the parts of the text. What the handler does is the target's first letter.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "hale/wire/http_server.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"
#include "support/manual_clock.hpp"
#include "support/memory_stream.hpp"
#include "kit/response_scanner.hpp"

namespace {

using namespace hale;
using namespace std::chrono_literals;

constexpr std::size_t max_connections = 4;

struct seen_request {
  std::string method;
  std::string target;
  std::string body;
  friend bool operator==(const seen_request&, const seen_request&) = default;
};

/// Answers as the target says, and keeps what each connection asked for: a client's user is its connection's number.
class target_handler final : public http_handler {
 public:
  target_handler(const hale::clock& time, const http_limits& limits) : clock_(time), limits_(limits) {}

  task<void> handle(http_request request, http_responder& reply, http_peer peer) override {
    CHECK(peer.user.has_value() && *peer.user < seen.size());
    check(request);
    seen[*peer.user].push_back(seen_request{request.method, request.target, request.body});
    const char letter = request.target.size() > 1 ? request.target[1] : '\0';
    if (letter == 't') throw 1;
    if (letter == 'n') co_return;
    if (letter == 'w') co_await clock_.sleep_for(5s);
    if (letter == 's') {
      auto streaming = stream(reply);
      co_await std::move(streaming);
      co_return;
    }
    auto sending = reply.send(http_response(letter == 'e' ? 204 : 200, "text/plain", std::move(request.body)));
    co_await std::move(sending);
  }

  std::array<std::vector<seen_request>, max_connections> seen;

 private:
  void check(const http_request& request) const {
    CHECK(!request.method.empty() && !request.target.empty());
    CHECK(request.target.size() <= limits_.max_line_bytes);
    CHECK(request.headers.size() <= limits_.max_headers);
    CHECK(request.body.size() <= limits_.max_body_bytes);
    CHECK(request.headers.count("Host") <= 1);
    CHECK(request.headers.count("Content-Length") <= 1);
  }

  task<void> stream(http_responder& reply) {
    auto beginning = reply.begin(http_response(200, "text/plain", "first\n"));
    std::error_code failed = co_await std::move(beginning);
    for (int i = 0; i < 3 && !failed; ++i) {
      failed = co_await clock_.sleep_for(1s);
      if (failed) co_return;
      auto writing = reply.write("next\n");
      failed = co_await std::move(writing);
    }
  }

  const hale::clock& clock_;
  const http_limits& limits_;
};

enum class ending { half_closed, silent, reset };

struct scenario {
  http_limits limits;
  std::vector<std::string_view> sent;
  std::array<ending, max_connections> ends{};
};

struct outcome {
  std::array<std::vector<seen_request>, max_connections> seen;
  std::array<std::string, max_connections> answers;
};

outcome serve(const scenario& of, fuzz::input::pieces pieces) {
  test::manual_executor executor;
  test::manual_clock clock(executor);
  test::memory_listener listener;
  target_handler handler(clock, of.limits);
  std::vector<std::shared_ptr<test::memory_link>> links;
  for (std::size_t i = 0; i < of.sent.size(); ++i) {
    auto link = std::make_shared<test::memory_link>();
    link->to_server.piece = pieces;
    link->to_client.piece = pieces;
    link->client_user = static_cast<std::uint32_t>(i);
    link->to_server.feed(of.sent[i]);
    if (of.ends[i] == ending::half_closed) link->to_server.end();
    links.push_back(listener.arrive(link));
  }
  http_server_options options(clock);
  options.limits = of.limits;
  cancel_source stop;
  root<void> server(executor, serve_http(listener, handler, std::move(options)), &stop);
  executor.run_ready();
  for (std::size_t i = 0; i < of.sent.size(); ++i) {
    if (of.ends[i] == ending::reset) links[i]->to_server.reset();
  }
  // The server's own patience ends every connection: each request waits at most 5 s, and then 60 s for another.
  executor.run_for(1h);
  for (const auto& link : links) CHECK(link->open_ends == 0);
  stop.cancel();
  executor.run_ready();
  CHECK(server.done());
  outcome got;
  got.seen = std::move(handler.seen);
  for (std::size_t i = 0; i < links.size(); ++i) got.answers[i] = std::move(links[i]->to_client.bytes);
  return got;
}

bool is_refusal(int status) {
  constexpr std::array<int, 6> refusals = {400, 408, 413, 414, 417, 431};
  return std::find(refusals.begin(), refusals.end(), status) != refusals.end();
}

// A response to each request in its turn, then perhaps a refusal; nothing follows a response that was cut short.
void check_answers(const std::vector<seen_request>& seen, std::string_view bytes, ending end) {
  fuzz::response_scanner scanner(bytes);
  std::size_t answered = 0;
  while (!scanner.at_end()) {
    const bool refused = answered == seen.size();
    const auto response = scanner.take(!refused && seen[answered].method == "HEAD");
    if (response.status == 100) continue;
    CHECK(response.whole || scanner.at_end());
    if (refused) {
      CHECK(is_refusal(response.status) && response.whole && scanner.at_end());
      break;
    }
    const char letter = seen[answered].target.size() > 1 ? seen[answered].target[1] : '\0';
    const int expected = letter == 't' || letter == 'n' ? 500 : letter == 'e' ? 204 : 200;
    CHECK(response.whole ? response.status == expected : letter == 's');
    ++answered;
    if (response.fields.contains("Connection")) CHECK(scanner.at_end());
  }
  if (end != ending::reset) CHECK(answered == seen.size());
}

// A stream whose reader has sent its last is cut short at once, and with it what was asked behind it: when that is, the
// pieces do decide.
std::vector<seen_request> until_a_stream(std::vector<seen_request> seen) {
  const auto is_stream = [](const seen_request& each) { return each.target.starts_with("/s"); };
  const auto first = std::find_if(seen.begin(), seen.end(), is_stream);
  if (first != seen.end()) seen.erase(first + 1, seen.end());
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  scenario of;
  if (in.flip()) {
    of.limits.max_head_bytes = 200;
    of.limits.max_line_bytes = 40;
    of.limits.max_headers = 4;
    of.limits.max_body_bytes = 30;
  }
  of.sent = in.parts(max_connections);
  bool all_stay = true;
  for (ending& end : of.ends) {
    end = static_cast<ending>(in.choose(3));
    all_stay = all_stay && end != ending::reset;
  }
  const outcome got = serve(of, in.rest_as_pieces());
  for (std::size_t i = 0; i < of.sent.size(); ++i) check_answers(got.seen[i], got.answers[i], of.ends[i]);

  // What was asked does not depend on the pieces, unless a reset comes between them or framing has no end.
  if (all_stay && in.text().size() <= 2 * of.limits.max_head_bytes) {
    const outcome at_once = serve(of, fuzz::input::pieces(""));
    for (std::size_t i = 0; i < of.sent.size(); ++i) {
      CHECK(until_a_stream(at_once.seen[i]) == until_a_stream(got.seen[i]));
    }
  }
  return 0;
}
