#include "hale/wire/http_server.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <stdexcept>

#include "hale/async/scope.hpp"
#include "hale/wire/http_client.hpp"
#include "hale/wire/http_stream.hpp"
#include "support/manual_clock.hpp"
#include "support/memory_stream.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

/// Answers by target, and remembers what became of its calls.
class scripted_handler final : public http_handler {
 public:
  explicit scripted_handler(const hale::clock& time) : clock_(time) {}

  task<void> handle(http_request request, http_responder& reply, http_peer peer) override {
    ++running;
    const leaving left(running);
    seen.push_back(request.method + " " + request.target + " " + request.body);
    user = peer.user;
    if (request.target == "/throw") throw std::runtime_error("as asked");
    if (request.target == "/silent") co_return;
    if (request.target == "/bad") {
      http_response bad(200);
      bad.headers.add("X", "a\r\nb");
      auto sending = reply.send(std::move(bad));
      last = co_await std::move(sending);
      co_return;
    }
    if (request.target == "/wait") co_await clock_.sleep_for(1h);
    if (request.target == "/slow") co_await clock_.sleep_for(5s);
    if (request.target.substr(0, 7) == "/stream") {
      auto streaming = stream(request.target, reply);
      co_await std::move(streaming);
      co_return;
    }
    auto sending = reply.send(http_response(200, "text/plain", "you said " + request.body));
    last = co_await std::move(sending);
    if (request.target == "/twice") {
      auto again = reply.send(http_response(200));
      last = co_await std::move(again);
    }
    if (request.target == "/throw-after") throw std::runtime_error("too late");
  }

  int running = 0;
  std::vector<std::string> seen;
  std::optional<std::uint32_t> user;
  std::error_code last;

 private:
  struct leaving {
    explicit leaving(int& count) : count_(count) {}
    ~leaving() { --count_; }
    int& count_;
  };

  task<void> stream(std::string target, http_responder& reply) {
    http_response head(200, "text/plain", "first\n");
    auto beginning = reply.begin(std::move(head));
    last = co_await std::move(beginning);
    if (target == "/stream-throw") throw std::runtime_error("in the middle");
    const int pieces = target == "/stream-3" ? 3 : 1'000'000;
    for (int i = 0; i < pieces && !last; ++i) {
      last = co_await clock_.sleep_for(1s);
      if (last) co_return;
      auto nothing = reply.write("");
      last = co_await std::move(nothing);
      auto writing = reply.write(target == "/stream-fat" ? std::string(30'000, 'x') : "piece\n");
      last = co_await std::move(writing);
    }
  }

  const hale::clock& clock_;
};

struct serving {
  test::manual_executor executor;
  test::manual_clock clock{executor};
  scripted_handler handler{clock};
  test::memory_listener listener;
  cancel_source stop;
  http_server_options options{clock};
  std::optional<root<void>> server;

  void start() { server.emplace(executor, serve_http(listener, handler, options), &stop); }
  serving() = default;
  /// Ends the server and checks that nothing is left.
  ~serving() {
    if (!server) return;
    stop.cancel();
    executor.run_ready();
    BOOST_TEST(server->done());
    BOOST_TEST(handler.running == 0);
  }

  /// What comes back when `request` is sent and the time has passed.
  std::string answer(std::string_view request, duration within = 100ms) {
    if (!server) start();
    const auto link = listener.arrive();
    link->to_server.feed(request);
    executor.run_for(within);
    return link->to_client.bytes;
  }
};

std::string get(std::string_view target) { return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n"; }

bool starts_with(const std::string& text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

constexpr std::string_view said_nothing =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nyou said ";

}  // namespace

BOOST_AUTO_TEST_CASE(requests_on_one_connection_are_answered_in_turn_and_it_is_kept) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->client_user = 1000;
  link->to_server.feed("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
  at.executor.run_for(1s);
  BOOST_TEST(link->to_client.bytes ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nyou said hi");
  link->to_client.bytes.clear();
  link->to_server.feed(get("/b"));
  at.executor.run_for(1s);
  BOOST_TEST(link->to_client.bytes == said_nothing);
  BOOST_TEST((at.handler.seen == std::vector<std::string>{"POST /a hi", "GET /b "}));
  BOOST_TEST(!link->to_client.ended);
}

BOOST_AUTO_TEST_CASE(the_handler_is_told_who_asks) {
  serving at;
  at.start();
  auto link = std::make_shared<test::memory_link>();
  link->client_user = 1000;
  at.listener.arrive(link);
  link->to_server.feed(get("/"));
  at.executor.run_for(1s);
  BOOST_TEST(at.handler.user.value() == 1000u);
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
  serving at;
  const std::string answers = at.answer(get("/slow") + get("/b") + "HEAD /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 20s);
  BOOST_TEST(answers == std::string(said_nothing) + std::string(said_nothing) +
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\nConnection: close\r\n\r\n");
  BOOST_TEST((at.handler.seen == std::vector<std::string>{"GET /slow ", "GET /b ", "HEAD /c "}));
}

BOOST_AUTO_TEST_CASE(single_bytes_both_ways_change_nothing) {
  serving at;
  at.start();
  auto link = std::make_shared<test::memory_link>();
  link->to_server.piece = link->to_client.piece = [] { return std::size_t{1}; };
  at.listener.arrive(link);
  link->to_server.feed(get("/a") + "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  at.executor.run_for(1s);
  BOOST_TEST(link->to_client.bytes ==
             std::string(said_nothing) +
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nyou said hi");
}

BOOST_AUTO_TEST_CASE(bad_requests_are_refused_each_in_its_own_way) {
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string lengthy = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
  std::string many = line + "Host: x\r\n";
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  const std::pair<std::string, int> bad[] = {
      {"nonsense\r\n\r\n", 400},
      {"\x16\x03\x01\x02", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: x\n\n", 400},
      {line + "\r\n", 400},
      {line + "Host: x\r\nHost: y\r\n\r\n", 400},
      {line + "Host: x\r\nno colon\r\n\r\n", 400},
      {line + "Host: x\r\nA: \x01\r\n\r\n", 400},
      {line + "Host: x\r\nA b: c\r\n\r\n", 400},
      {line + "Host: x\r\n: c\r\n\r\n", 400},
      {line + "Host: x\r\nA: b\rXB: c\r\n\r\n", 400},
      {line + "Host: x\r\n\rX", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\nab", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
      {lengthy + "x\r\n\r\n", 400},
      {lengthy + "1\r\nContent-Length: 2\r\n\r\nab", 400},
      {lengthy + "1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nq\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n", 400},
      {"GET /" + std::string(8192, 'a'), 414},
      {line + "A: " + std::string(17'000, 'a'), 431},
      {std::string(17'000, '\n'), 431},
      {many + "\r\n", 431},
      {lengthy + "65537\r\n\r\n", 413},
      {lengthy + "65537\r\nExpect: 100-continue\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" + std::string(65537, 'a'), 413},
      {lengthy + "5\r\nExpect: 200-ok\r\n\r\n", 417},
      {lengthy + "5\r\nExpect: 200-ok\r\n\r\nwhole", 417},
  };
  for (const auto& [request, status] : bad) {
    serving at;
    const std::string answer = at.answer(request);
    const std::string expected = "HTTP/1.1 " + std::to_string(status) + " ";
    BOOST_TEST(starts_with(answer, expected), request.substr(0, 60) << " -> " << answer.substr(0, 40));
    BOOST_TEST(answer.find("Connection: close\r\n") != std::string::npos);
    BOOST_TEST(answer.find("HTTP/1.1", 1) == std::string::npos);
    BOOST_TEST(at.handler.seen.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_after_a_head_request_has_its_words) {
  serving at;
  const std::string answers = at.answer("HEAD / HTTP/1.1\r\nHost: x\r\n\r\nnonsense");
  BOOST_TEST(answers.find("\r\n\r\n400 Bad Request\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_refused_peer_is_read_out_for_a_while_so_that_it_sees_why) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed("nonsense\r\n\r\n");
  at.executor.run_for(500ms);
  BOOST_TEST(link->to_client.ended);
  BOOST_TEST(link->open_ends == 1);
  link->to_server.feed("more nonsense");
  at.executor.run_for(100ms);
  BOOST_TEST(link->to_server.bytes.empty());
  at.executor.run_for(1s);
  BOOST_TEST(link->open_ends == 0);
}

BOOST_AUTO_TEST_CASE(slow_requests_end_with_408_and_silent_peers_without_a_word) {
  serving at;
  at.start();
  const auto loris = at.listener.arrive();
  const auto silent = at.listener.arrive();
  const auto body = at.listener.arrive();
  const auto idle = at.listener.arrive();
  body->to_server.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  idle->to_server.feed(get("/"));
  for (int i = 0; i < 12; ++i) {
    loris->to_server.feed("G");
    if (i == 0) loris->to_server.bytes = "GET / HTTP/1.1\r\nA: ";
    at.executor.run_for(1s);
  }
  BOOST_TEST(starts_with(loris->to_client.bytes, "HTTP/1.1 408 "));
  BOOST_TEST(starts_with(body->to_client.bytes, "HTTP/1.1 408 "));
  BOOST_TEST(silent->to_client.bytes.empty());
  for (const auto& link : {loris, silent, body}) BOOST_TEST(link->open_ends == 0);
  BOOST_TEST(idle->open_ends == 1);
  at.executor.run_for(60s);
  BOOST_TEST(idle->open_ends == 0);
  BOOST_TEST(idle->to_client.bytes == said_nothing);
}

BOOST_AUTO_TEST_CASE(a_second_request_has_its_own_time) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/"));
  at.executor.run_for(20s);
  link->to_server.feed("GET /b HT");
  at.executor.run_for(9s);
  BOOST_TEST(link->to_client.bytes == said_nothing);
  at.executor.run_for(2s);
  BOOST_TEST(starts_with(link->to_client.bytes.substr(said_nothing.size()), "HTTP/1.1 408 "));
}

BOOST_AUTO_TEST_CASE(a_client_that_asks_first_is_told_to_go_ahead) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  at.executor.run_for(1s);
  BOOST_TEST(link->to_client.bytes == "HTTP/1.1 100 Continue\r\n\r\n");
  link->to_server.feed("hi");
  at.executor.run_for(1s);
  BOOST_TEST(link->to_client.bytes.find("you said hi") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(any_method_is_the_handlers_to_judge) {
  serving at;
  BOOST_TEST(starts_with(at.answer("DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200 OK"));
  BOOST_TEST(starts_with(at.answer("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200 OK"));
  BOOST_TEST((at.handler.seen == std::vector<std::string>{"DELETE /a ", "OPTIONS * "}));
}

BOOST_AUTO_TEST_CASE(http_1_0_is_answered_and_closed) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  at.executor.run_for(2s);
  BOOST_TEST(link->to_client.bytes ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\nConnection: close\r\n\r\nyou said ");
  BOOST_TEST(link->open_ends == 0);
  BOOST_TEST(at.answer("GET /stream-3 HTTP/1.0\r\n\r\n", 5s) ==
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nfirst\npiece\npiece\npiece\n");
}

BOOST_AUTO_TEST_CASE(a_handler_that_fails_gives_500_and_the_server_goes_on) {
  for (const char* target : {"/throw", "/silent", "/bad"}) {
    serving at;
    const std::string answer = at.answer(get(target) + get("/never"));
    BOOST_TEST(starts_with(answer, "HTTP/1.1 500 "));
    BOOST_TEST(answer.find("Connection: close\r\n") != std::string::npos);
    BOOST_TEST(answer.find("as asked") == std::string::npos);
    BOOST_TEST(at.handler.seen.size() == 1u);
    BOOST_TEST(at.answer(get("/")) == said_nothing);
  }
  serving at;
  BOOST_TEST(at.answer(get("/throw-after") + get("/never")) == said_nothing);
  BOOST_TEST(at.answer(get("/twice") + get("/then")) == std::string(said_nothing) + std::string(said_nothing));
  BOOST_TEST((at.handler.seen == std::vector<std::string>{"GET /throw-after ", "GET /twice ", "GET /then "}));
}

BOOST_AUTO_TEST_CASE(a_stream_comes_in_chunks_and_the_connection_is_kept) {
  serving at;
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
  BOOST_TEST(at.answer(get("/stream-3") + get("/b"), 5s) ==
             head + "6\r\nfirst\n\r\n6\r\npiece\n\r\n6\r\npiece\n\r\n6\r\npiece\n\r\n0\r\n\r\n" + std::string(said_nothing));
  BOOST_TEST(at.answer("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" + get("/b"), 5s) == head + std::string(said_nothing));
  BOOST_TEST((at.handler.last == std::error_code()));
  const std::string cut = at.answer(get("/stream-throw"), 5s);
  BOOST_TEST(cut == head + "6\r\nfirst\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_stream_ends_when_its_reader_closes) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/stream"));
  at.executor.run_for(2500ms);
  BOOST_TEST(at.handler.running == 1);
  link->to_server.end();
  at.executor.run_ready();
  BOOST_TEST(at.handler.running == 0);
  BOOST_TEST((at.handler.last == errc::cancelled));
  BOOST_TEST(link->open_ends == 0);
}

BOOST_AUTO_TEST_CASE(nothing_is_answered_behind_a_stream_that_was_cut_short) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/stream") + get("/b"));
  at.executor.run_for(1500ms);
  link->to_server.end();
  at.executor.run_for(10s);
  BOOST_TEST(link->open_ends == 0);
  BOOST_TEST(link->to_client.bytes.find("you said") == std::string::npos);
  BOOST_TEST((at.handler.seen == std::vector<std::string>{"GET /stream "}));
}

BOOST_AUTO_TEST_CASE(a_stream_ends_when_its_reader_breaks_or_does_not_read) {
  serving at;
  at.start();
  const auto reset = at.listener.arrive();
  const auto stuck = at.listener.arrive();
  reset->to_server.feed(get("/stream"));
  stuck->to_server.feed(get("/stream-fat"));
  at.executor.run_for(1500ms);
  BOOST_TEST(at.handler.running == 2);
  reset->to_server.reset();
  reset->to_client.reset();
  at.executor.run_ready();
  BOOST_TEST(at.handler.running == 1);
  BOOST_TEST(reset->open_ends == 0);
  at.executor.run_for(13s);
  BOOST_TEST(at.handler.running == 0);
  BOOST_TEST((at.handler.last == errc::timed_out));
  BOOST_TEST(stuck->open_ends == 0);
}

BOOST_AUTO_TEST_CASE(a_reader_that_floods_its_stream_with_requests_is_held_to_a_bound) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/stream-3"));
  at.executor.run_ready();
  std::string flood;
  while (flood.size() < 100'000) flood += get("/flood");
  link->to_server.feed(flood);
  at.executor.run_for(1s);
  BOOST_TEST(link->to_server.bytes.size() > 75'000u);
  BOOST_TEST(at.handler.running == 1);
}

BOOST_AUTO_TEST_CASE(a_client_that_only_stops_sending_gets_its_whole_answer) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/slow") + get("/b"));
  link->to_server.end();
  at.executor.run_for(6s);
  BOOST_TEST(link->to_client.bytes == std::string(said_nothing) + std::string(said_nothing));
  BOOST_TEST(link->open_ends == 0);
}

BOOST_AUTO_TEST_CASE(a_client_that_has_gone_altogether_ends_the_connection) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/slow") + get("/b"));
  at.executor.run_for(1s);
  link->to_server.end();
  link->to_client.unread = true;
  at.executor.run_for(6s);
  BOOST_TEST((at.handler.last == system_error(EPIPE)));
  BOOST_TEST(at.handler.seen.size() == 1u);
  BOOST_TEST(link->open_ends == 0);
}

BOOST_AUTO_TEST_CASE(connections_are_bounded_and_further_ones_told_so) {
  serving at;
  at.options.max_connections = 2;
  at.start();
  std::vector<std::shared_ptr<test::memory_link>> links;
  for (int i = 0; i < 30; ++i) {
    links.push_back(at.listener.arrive());
    links.back()->to_server.feed(get("/wait"));
  }
  at.executor.run_for(100ms);
  BOOST_TEST(at.handler.running == 2);
  for (std::size_t i = 2; i < 18; ++i) BOOST_TEST(starts_with(links[i]->to_client.bytes, "HTTP/1.1 503 "));
  for (std::size_t i = 18; i < 30; ++i) {
    BOOST_TEST(links[i]->to_client.bytes.empty());
    BOOST_TEST(links[i]->open_ends == 0);
  }
  at.executor.run_for(2s);
  for (std::size_t i = 2; i < 18; ++i) BOOST_TEST(links[i]->open_ends == 0);
  links[0]->to_server.reset();
  links[0]->to_client.reset();
  at.executor.run_for(1h);
  BOOST_TEST(at.answer(get("/")) == said_nothing);
}

BOOST_AUTO_TEST_CASE(strangers_are_refused) {
  serving at;
  at.options.authorize = [](const http_peer& peer) { return peer.user == 1000u; };
  BOOST_TEST(starts_with(at.answer(get("/")), "HTTP/1.1 403 "));
  BOOST_TEST(at.handler.seen.empty());
  auto link = std::make_shared<test::memory_link>();
  link->client_user = 1000;
  at.listener.arrive(link);
  link->to_server.feed(get("/"));
  at.executor.run_for(1s);
  BOOST_TEST(link->to_client.bytes == said_nothing);
}

BOOST_AUTO_TEST_CASE(errors_of_accept_do_not_spin_nor_end_the_server) {
  serving at;
  for (int i = 0; i < 50; ++i) at.listener.fail(system_error(EMFILE));
  at.start();
  at.executor.run_for(1050ms);
  BOOST_TEST(at.listener.accepts == 11u);
  at.executor.run_for(10s);
  BOOST_TEST(at.answer(get("/")) == said_nothing);
}

BOOST_AUTO_TEST_CASE(closing_the_listener_ends_the_server_and_its_handlers) {
  serving at;
  at.start();
  const auto link = at.listener.arrive();
  link->to_server.feed(get("/wait"));
  at.executor.run_for(1s);
  BOOST_TEST(at.handler.running == 1);
  at.listener.close();
  at.executor.run_ready();
  BOOST_TEST(at.server->done());
  BOOST_TEST(at.handler.running == 0);
  BOOST_TEST(link->open_ends == 0);
}

BOOST_AUTO_TEST_CASE(a_server_can_be_cancelled_at_every_step_and_leaves_nothing) {
  int ended = 0;
  for (int steps = 0; ended == 0 || steps < 400; ++steps) {
    std::vector<std::shared_ptr<test::memory_link>> links;
    {
      serving at;
      at.options.max_connections = 3;
      at.start();
      const std::string requests[] = {get("/a") + get("/stream-3"), get("/slow"),
                                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", "GET / HT", get("/")};
      for (const std::string& request : requests) {
        auto link = std::make_shared<test::memory_link>();
        link->to_client.piece = [] { return std::size_t{50}; };
        at.listener.arrive(link);
        link->to_server.feed(request);
        links.push_back(std::move(link));
      }
      at.listener.fail(system_error(EMFILE));
      for (int i = 0; i < steps; ++i) {
        if (!at.executor.step()) ++ended;
      }
      at.stop.cancel();
      at.executor.run_ready();
      BOOST_REQUIRE(at.server->done());
      BOOST_REQUIRE(at.handler.running == 0);
    }
    for (const auto& link : links) {
      BOOST_REQUIRE(link->open_ends == 0);
      BOOST_REQUIRE(link.use_count() == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(client_and_server_understand_each_other) {
  serving at;
  at.start();
  auto link = std::make_shared<test::memory_link>();
  at.listener.arrive(link);
  test::memory_stream client(link, false);
  http_request request("POST", "/a");
  request.body = std::string(65'536, 'x');
  http_limits limits;
  limits.max_body_bytes = 100'000;
  root<result<http_response>> asked(at.executor, http_exchange(client, std::move(request), limits, at.clock.after(1s)));
  at.executor.run_ready();
  BOOST_REQUIRE(asked.done());
  BOOST_TEST(asked.take()->body == "you said " + std::string(65'536, 'x'));
}

BOOST_AUTO_TEST_CASE(a_follower_of_a_stream_sees_every_line_and_the_end) {
  serving at;
  at.start();
  auto link = std::make_shared<test::memory_link>();
  at.listener.arrive(link);
  test::memory_stream client(link, false);
  http_stream stream(client, http_limits());
  std::vector<std::string> lines;
  auto follow = [&]() -> task<void> {
    auto opening = stream.open(http_request("GET", "/stream-3"), at.clock.after(1s));
    const auto head = co_await std::move(opening);
    BOOST_TEST(head->status == 200);
    for (;;) {
      auto reading = stream.read_line(at.clock.after(2s));
      auto line = co_await std::move(reading);
      if (!line) co_return;
      lines.push_back(*line);
    }
  };
  root<void> following(at.executor, follow());
  at.executor.run_for(10s);
  BOOST_REQUIRE(following.done());
  BOOST_TEST((lines == std::vector<std::string>{"first", "piece", "piece", "piece"}));
  BOOST_TEST(stream.complete());
}
