// Connections, listeners and datagrams as sockets give them: tcp(7), unix(7) and the calls named.
#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "hale/base/error.hpp"
#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using namespace hale::sim::test;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::uint16_t port = 8080;
using stream = std::unique_ptr<byte_stream>;

/// A listener and networks to reach it by, from its own machine and from the other.
struct net_bed : bed {
  explicit net_bed(std::uint64_t seed = 1) : bed({}, seed) {}
  std::unique_ptr<network> local{net.network_of(here, nullptr, &limits)};
  std::unique_ptr<network> remote{net.network_of(there, nullptr)};
  network_limits limits;

  std::unique_ptr<listener> listen(std::uint16_t at = port) {
    auto made = local->listen(endpoint::tcp("127.0.0.1", at));
    BOOST_REQUIRE(made.has_value());
    return std::move(*made);
  }
  result<stream> connect(duration within = seconds(5), std::uint16_t at = port) {
    return run(local->connect(endpoint::tcp("127.0.0.1", at), in(within)));
  }
  stream accept(listener& from) {
    auto next = run(from.accept(in(seconds(5))));
    BOOST_REQUIRE(next.has_value());
    return std::move(*next);
  }
  struct pair {
    stream client;
    stream server;
  };
  pair connected(listener& at) {
    auto near = connect();
    BOOST_REQUIRE(near.has_value());
    return pair{std::move(*near), accept(at)};
  }
  result<std::string> read(byte_stream& from, duration within = seconds(5), std::size_t most = 4096) {
    return run(read_once(from, in(within), most));
  }
  std::error_code write(byte_stream& to, std::string text, duration within = seconds(5)) {
    return run(write_all(to, std::move(text), in(within)));
  }

 private:
  static task<result<std::string>> read_once(byte_stream& from, deadline limit, std::size_t most) {
    std::string bytes(most, '\0');
    auto reading = from.read_some(bytes, limit);
    const auto count = co_await std::move(reading);
    if (!count) co_return result<std::string>(count.error());
    bytes.resize(*count);
    co_return result<std::string>(std::move(bytes));
  }
  static task<std::error_code> write_all(byte_stream& to, std::string text, deadline limit) {
    for (std::size_t at = 0; at < text.size();) {
      auto writing = to.write_some(std::span(text).subspan(at), limit);
      const auto count = co_await std::move(writing);
      if (!count) co_return count.error();
      at += *count;
    }
    co_return std::error_code();
  }
};

task<int> listen_for_ever(simulated_process& self, std::error_code& failed) {
  auto at = self.network().listen(endpoint::tcp("127.0.0.1", port));
  if (!at) {
    failed = at.error();
    co_return 1;
  }
  trigger never;
  co_await never.wait();
  co_return 0;
}

/// Accepts, and holds what was accepted.
task<int> accept_for_ever(simulated_process& self) {
  auto at = self.network().listen(endpoint::tcp("127.0.0.1", port));
  std::vector<stream> held;
  for (;;) {
    auto accepting = (*at)->accept(deadline::never());
    auto next = co_await std::move(accepting);
    if (!next) co_return 1;
    held.push_back(std::move(*next));
  }
}

task<int> say_and_stay(simulated_process& self, std::string path, std::string text) {
  self.notify(path, text);
  trigger never;
  co_await never.wait();
  co_return 0;
}

}  // namespace

// --- connecting -----------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_connection_takes_a_round_trip_and_carries_bytes_both_ways_in_order) {
  net_bed is;
  const auto at = is.listen();
  const instant begun = is.time.now();
  auto [client, server] = is.connected(*at);
  BOOST_TEST((is.time.now() - begun >= 2 * is.net.conditions().least_latency));
  BOOST_TEST(!is.write(*client, "one "));
  BOOST_TEST(!is.write(*client, "two"));
  BOOST_TEST(*is.read(*server, seconds(5), 3) == "one");
  is.run_for(seconds(1));
  BOOST_TEST(*is.read(*server) == " two");
  BOOST_TEST(!is.write(*server, "three"));
  BOOST_TEST(*is.read(*client) == "three");
}

BOOST_AUTO_TEST_CASE(where_nobody_listens_a_connection_is_refused) {  // connect(2): ECONNREFUSED
  net_bed is;
  BOOST_TEST((is.connect().error() == std::errc::connection_refused));
  is.listen();  // and closed again
  BOOST_TEST((is.connect().error() == std::errc::connection_refused));
}

BOOST_AUTO_TEST_CASE(an_unknown_machine_cannot_be_reached) {  // connect(2): EHOSTUNREACH in ip(7)
  net_bed is;
  const auto got = is.run(is.local->connect(endpoint::tcp("nowhere", port), is.in(seconds(1))));
  BOOST_TEST((got.error() == std::errc::host_unreachable));
}

BOOST_AUTO_TEST_CASE(a_swallowed_connect_waits_until_its_deadline_and_works_once_it_is_let_through) {  // tcp(7)
  net_bed is;
  const auto at = is.listen();
  is.net.swallow_connects(is.here, port, true);
  const instant begun = is.here.clock().now();
  BOOST_TEST((is.connect(seconds(3)).error() == errc::timed_out));
  BOOST_TEST((is.here.clock().now() - begun == seconds(3)));
  const auto let_through = [](fabric& net, machine& on) -> task<void> {
    co_await on.clock().sleep_for(milliseconds(1500));
    net.swallow_connects(on, port, false);
  };
  is.here.kernel().start(let_through(is.net, is.here));
  BOOST_TEST(is.connect(seconds(5)).has_value());
}

BOOST_AUTO_TEST_CASE(a_full_backlog_keeps_the_next_waiting) {  // listen(2): backlog
  net_bed is;
  const auto at = is.listen();
  std::vector<stream> held;
  for (int n = 0; n < 128; ++n) {
    auto next = is.connect();
    BOOST_REQUIRE(next.has_value());
    held.push_back(std::move(*next));
  }
  BOOST_TEST((is.connect(seconds(3)).error() == errc::timed_out));
  const stream served = is.accept(*at);
  BOOST_TEST(is.connect(seconds(3)).has_value());
}

BOOST_AUTO_TEST_CASE(who_has_no_descriptors_left_neither_connects_nor_accepts) {  // accept(2), socket(2): EMFILE
  net_bed is;
  const auto at = is.listen();
  const auto waiting = is.connect();
  is.limits.no_descriptors = true;
  BOOST_TEST((is.connect().error() == std::errc::too_many_files_open));
  BOOST_TEST((is.run(at->accept(is.in(seconds(1)))).error() == std::errc::too_many_files_open));
  BOOST_TEST((is.local->listen(endpoint::tcp("127.0.0.1", 9)).error() == std::errc::too_many_files_open));
  is.limits.no_descriptors = false;
  BOOST_TEST(is.accept(*at) != nullptr);
}

BOOST_AUTO_TEST_CASE(an_accept_ends_at_its_deadline) {
  net_bed is;
  const auto at = is.listen();
  BOOST_TEST((is.run(at->accept(is.in(seconds(1)))).error() == errc::timed_out));
}

// --- ports ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(two_listeners_on_one_port_are_refused) {  // bind(2): EADDRINUSE
  net_bed is;
  auto first = is.listen();
  BOOST_TEST((is.local->check_bindable(endpoint::tcp("127.0.0.1", port)) == std::errc::address_in_use));
  BOOST_TEST((is.local->listen(endpoint::tcp("127.0.0.1", port)).error() == std::errc::address_in_use));
  BOOST_TEST(is.remote->listen(endpoint::tcp("127.0.0.1", port)).has_value());  // another machine
  first.reset();
  BOOST_TEST(!is.local->check_bindable(endpoint::tcp("127.0.0.1", port)));
  BOOST_TEST(is.local->listen(endpoint::tcp("127.0.0.1", port)).has_value());
}

BOOST_AUTO_TEST_CASE(sockets_that_reuse_the_port_share_it_and_others_get_in_between_neither) {  // socket(7)
  net_bed is;
  const endpoint at = endpoint::tcp("127.0.0.1", port);
  const auto one = is.net.listen(is.here, nullptr, at, true);
  const auto other = is.net.listen(is.here, nullptr, at, true);
  BOOST_TEST(one.has_value());
  BOOST_TEST(other.has_value());
  BOOST_TEST((is.net.listen(is.here, nullptr, at, false).error() == std::errc::address_in_use));
}

BOOST_AUTO_TEST_CASE(a_port_asked_for_as_0_is_a_free_local_one) {  // ip(7): ip_local_port_range
  net_bed is;
  const auto one = is.listen(0);
  const auto other = is.listen(0);
  BOOST_TEST(one->local().port >= 32768);
  BOOST_TEST(one->local().port != other->local().port);
}

BOOST_AUTO_TEST_CASE(a_port_is_free_once_its_process_has_died_and_not_before) {  // exit(2) closes descriptors
  net_bed is;
  std::error_code failed;
  const auto body = [&failed](simulated_process& self) { return listen_for_ever(self, failed); };
  const auto first = is.start(body);
  is.run_for(milliseconds(1));
  BOOST_TEST(first->ports().count(port) == 1u);
  BOOST_TEST(is.net.listening_process(is.here, port) == first.get());
  const auto second = is.start(body);
  is.run_for(milliseconds(1));
  BOOST_TEST((failed == std::errc::address_in_use));
  BOOST_TEST(left_with(*second, 1));
  is.here.deliver(*first, SIGKILL);
  is.run_for(duration::zero());
  BOOST_TEST(is.net.listening_process(is.here, port) == nullptr);
  BOOST_TEST(!is.local->check_bindable(endpoint::tcp("127.0.0.1", port)));
  BOOST_TEST(first->ports().empty());
}

BOOST_AUTO_TEST_CASE(who_is_stopped_keeps_its_port_and_connections_are_made_for_it) {  // listen(2): by the kernel
  net_bed is;
  const auto one = is.start([](simulated_process& self) { return accept_for_ever(self); });
  is.run_for(milliseconds(1));
  is.here.deliver(*one, SIGSTOP);
  const auto got = is.connect();
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST((is.read(**got, seconds(3)).error() == errc::timed_out));
}

// --- bytes ----------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(in_bad_weather_bytes_come_in_pieces_and_all_of_them) {  // read(2), send(2): fewer than asked for
  net_bed is;
  is.net.conditions().partial = ratio{1, 1};
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  const std::string text(1000, 'x');
  BOOST_TEST(!is.write(*client, text));
  std::string got;
  int pieces = 0;
  while (got.size() < text.size()) {
    got += *is.read(*server);
    ++pieces;
  }
  BOOST_TEST(got == text);
  BOOST_TEST(pieces > 50);
}

BOOST_AUTO_TEST_CASE(a_writer_waits_when_nobody_reads_and_goes_on_when_somebody_does) {  // tcp(7): wmem, rmem
  net_bed is;
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  BOOST_TEST((is.write(*client, std::string(200'000, 'x'), seconds(1)) == errc::timed_out));
  std::size_t got = 0;
  while (got < stream_pipe::capacity) got += is.read(*server)->size();
  BOOST_TEST(got == stream_pipe::capacity);
  BOOST_TEST(!is.write(*client, "more"));
}

BOOST_AUTO_TEST_CASE(a_stalled_connection_delivers_nothing_more_not_even_its_end) {  // tcp(7): until tcp_retries2
  net_bed is;
  is.net.conditions().stall = ratio{1, 1};
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  BOOST_TEST(!is.write(*server, std::string(1000, 'x')));
  server->close();
  std::size_t got = 0;
  std::error_code end;
  while (!end) {
    const auto piece = is.read(*client, seconds(3));
    got += piece ? piece->size() : 0;
    end = piece.error_or_none();
  }
  BOOST_TEST(got < 200u);
  BOOST_TEST((end == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_reset_on_its_way_ends_both_sides) {  // read(2), send(2): ECONNRESET
  net_bed is;
  is.net.conditions().reset = ratio{1, 1};
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  BOOST_TEST(!is.write(*server, std::string(1000, 'x')));
  std::error_code end;
  while (!end) end = is.read(*client, seconds(3)).error_or_none();
  BOOST_TEST((end == std::errc::connection_reset));
  BOOST_TEST((is.read(*server).error() == std::errc::connection_reset));
  BOOST_TEST((is.write(*client, "more") == std::errc::connection_reset));
}

BOOST_AUTO_TEST_CASE(a_half_closed_connection_goes_on_in_the_other_direction) {  // shutdown(2): SHUT_WR
  net_bed is;
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  BOOST_TEST(!is.write(*client, "last"));
  client->shutdown_send();
  BOOST_TEST((is.write(*client, "more") == std::errc::broken_pipe));
  BOOST_TEST(*is.read(*server) == "last");
  BOOST_TEST((is.read(*server).error() == errc::closed));
  BOOST_TEST(!is.write(*server, "answer"));
  BOOST_TEST(*is.read(*client) == "answer");
}

BOOST_AUTO_TEST_CASE(what_was_sent_before_the_close_can_still_be_read) {
  net_bed is;
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  BOOST_TEST(!is.write(*server, "goodbye"));
  server->close();
  BOOST_TEST(*is.read(*client) == "goodbye");
  BOOST_TEST((is.read(*client).error() == errc::closed));
}

BOOST_AUTO_TEST_CASE(who_closes_with_bytes_unread_resets_after_what_it_had_sent) {  // RFC 2525, 2.17
  net_bed is;
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  BOOST_TEST(!is.write(*client, "a question nobody reads"));
  BOOST_TEST(!is.write(*server, "goodbye"));
  is.run_for(seconds(1));
  server->close();
  BOOST_TEST(*is.read(*client) == "goodbye");
  BOOST_TEST((is.read(*client).error() == std::errc::connection_reset));
  BOOST_TEST((is.write(*client, "more") == std::errc::connection_reset));
}

BOOST_AUTO_TEST_CASE(the_first_write_to_a_peer_that_has_gone_is_taken_and_the_next_is_a_broken_pipe) {  // send(2)
  net_bed is;
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  server->close();
  BOOST_TEST(!is.write(*client, "is anybody there"));
  BOOST_TEST((is.write(*client, "hello") == std::errc::broken_pipe));
  BOOST_TEST((is.read(*client).error() == errc::closed));
}

BOOST_AUTO_TEST_CASE(a_read_that_waits_learns_of_the_close) {
  net_bed is;
  const auto at = is.listen();
  auto [client, server] = is.connected(*at);
  const auto close_later = [](byte_stream& which, machine& on) -> task<void> {
    co_await on.clock().sleep_for(seconds(1));
    which.close();
  };
  is.here.kernel().start(close_later(*server, is.here));
  BOOST_TEST((is.read(*client).error() == errc::closed));
  is.here.kernel().start(close_later(*client, is.here));
  BOOST_TEST((is.read(*client).error() == errc::closed));
}

BOOST_AUTO_TEST_CASE(connections_of_a_process_that_dies_end_for_the_other_side) {
  net_bed is;
  const auto one = is.start([](simulated_process& self) { return accept_for_ever(self); });
  is.run_for(milliseconds(1));
  const auto quiet = is.connect();
  const auto asking = is.connect();
  is.run_for(milliseconds(1));
  BOOST_TEST(!is.write(**asking, "a question"));
  is.here.deliver(*one, SIGKILL);
  BOOST_TEST((is.read(**quiet).error() == errc::closed));
  BOOST_TEST((is.read(**asking).error() == std::errc::connection_reset));
}

BOOST_AUTO_TEST_CASE(connections_that_nobody_accepted_are_reset_when_the_listener_closes) {  // listen(2)
  net_bed is;
  auto at = is.listen();
  const auto waiting = is.connect();
  at.reset();
  BOOST_TEST((is.read(**waiting).error() == std::errc::connection_reset));
}

// --- between machines -----------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_cut_in_one_direction_stops_bytes_and_ends_of_that_direction_only) {
  machine_options gate;
  gate.name = "gate";
  bed is(gate);
  const auto local = is.net.network_of(is.here, nullptr);
  const auto remote = is.net.network_of(is.there, nullptr);
  auto at = local->listen(endpoint::tcp("127.0.0.1", port));
  auto client = is.run(remote->connect(endpoint::tcp("gate", port), is.in(seconds(1))));
  auto server = is.run((*at)->accept(is.in(seconds(1))));
  BOOST_REQUIRE(client.has_value());
  BOOST_REQUIRE(server.has_value());
  char byte = 'x';
  is.net.block(is.here, is.there, true);
  BOOST_TEST(is.run((*server)->write_some(std::span(&byte, 1), is.in(seconds(1)))).has_value());
  BOOST_TEST((is.run((*client)->read_some(std::span(&byte, 1), is.in(seconds(5)))).error() == errc::timed_out));
  BOOST_TEST(is.run((*client)->write_some(std::span(&byte, 1), is.in(seconds(1)))).has_value());
  BOOST_TEST(is.run((*server)->read_some(std::span(&byte, 1), is.in(seconds(5)))).has_value());
  (*server)->close();
  BOOST_TEST((is.run(remote->connect(endpoint::tcp("gate", port), is.in(seconds(3)))).error() == errc::timed_out));
  BOOST_TEST((is.run((*client)->write_some(std::span(&byte, 1), is.in(seconds(1)))).has_value()));
  is.net.block(is.here, is.there, false);
  BOOST_TEST(is.run((*client)->read_some(std::span(&byte, 1), is.in(seconds(5)))).has_value());
  BOOST_TEST((is.run((*client)->read_some(std::span(&byte, 1), is.in(seconds(5)))).error() == errc::closed));
}

// --- datagrams ------------------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_datagram_bears_the_pid_of_who_sent_it) {  // unix(7): SCM_CREDENTIALS
  net_bed is;
  const auto socket = is.local->bind_datagram("/run/notify");
  const auto sender = is.start([](simulated_process& self) { return say_and_stay(self, "/run/notify", "READY=1"); });
  const auto got = is.run((*socket)->receive(is.in(seconds(1))));
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->bytes == "READY=1");
  BOOST_TEST(got->sender_pid == sender->pid());
  BOOST_TEST(!got->truncated);
}

BOOST_AUTO_TEST_CASE(a_datagram_that_nobody_receives_is_lost_and_a_second_socket_takes_the_path_over) {  // sd_notify(3)
  net_bed is;
  is.start([](simulated_process& self) { return say_and_stay(self, "/run/notify", "early"); });
  is.run_for(milliseconds(1));
  auto first = is.local->bind_datagram("/run/notify");
  const auto second = is.local->bind_datagram("/run/notify");
  is.start([](simulated_process& self) { return say_and_stay(self, "/run/notify", "late"); });
  BOOST_TEST(is.run((*second)->receive(is.in(seconds(1))))->bytes == "late");
  BOOST_TEST((is.run((*first)->receive(is.in(seconds(1)))).error() == errc::timed_out));
}
