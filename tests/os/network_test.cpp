// Real sockets: what succeeds, and every way in which it does not.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "os/fixture.hpp"

using namespace hale;
using namespace hale::test;

namespace {

using stream = std::unique_ptr<byte_stream>;

endpoint loopback(std::uint16_t port) { return endpoint::tcp("127.0.0.1", port); }

/// A listener on a port the kernel chose.
std::unique_ptr<listener> serve(checked_world& here, endpoint at = loopback(0)) {
  auto made = here->view().network.listen(std::move(at));
  if (!made) BOOST_FAIL("listen: " << made.error().message());
  return std::move(made).value();
}
stream connect(checked_world& here, endpoint to) {
  auto made = here->run(here->view().network.connect(std::move(to), soon()));
  if (!made) BOOST_FAIL("connect: " << made.error().message());
  return std::move(made).value();
}
stream accept(checked_world& here, listener& from) {
  auto made = here->run(from.accept(soon()));
  if (!made) BOOST_FAIL("accept: " << made.error().message());
  return std::move(made).value();
}
std::error_code connect_error(checked_world& here, endpoint to, deadline limit = soon()) {
  return here->run(here->view().network.connect(std::move(to), limit)).error_or_none();
}
std::string read_once(checked_world& here, byte_stream& from) {
  std::string text(256, '\0');
  const result<std::size_t> count = here->run(from.read_some(text, soon()));
  text.resize(count ? *count : 0);
  return text;
}
std::error_code read_error(checked_world& here, byte_stream& from, deadline limit = soon()) {
  std::array<char, 16> buffer;
  return here->run(from.read_some(buffer, limit)).error_or_none();
}
std::error_code write(checked_world& here, byte_stream& to, std::string_view text) {
  return here->run(to.write_some(text, soon())).error_or_none();
}
deadline briefly(checked_world& here) { return here->view().clock.after(std::chrono::milliseconds(10)); }

struct pair {
  std::unique_ptr<listener> listening;
  stream client;
  stream server;
};
pair make_pair(checked_world& here, endpoint at = loopback(0)) {
  pair made;
  made.listening = serve(here, std::move(at));
  made.client = connect(here, made.listening->local());
  made.server = accept(here, *made.listening);
  return made;
}

task<result<std::size_t>> fill(byte_stream& to, deadline limit) {
  const std::string block(65536, 'x');
  for (;;) {
    auto writing = to.write_some(block, limit);
    const result<std::size_t> count = co_await std::move(writing);
    if (!count) co_return count;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tcp)

BOOST_AUTO_TEST_CASE(bytes_go_both_ways_and_half_a_close_leaves_the_other_half) {
  checked_world here;
  for (const endpoint& at : {loopback(0), endpoint::tcp("::1", 0), endpoint::tcp("localhost", 0)}) {
    if (here->view().network.check_bindable(at) == std::errc::address_not_available) {
      BOOST_TEST_MESSAGE("skipped: no address " << at.host << " here");
      continue;
    }
    pair both = make_pair(here, at);
    BOOST_TEST(!write(here, *both.client, "ping"));
    BOOST_TEST(read_once(here, *both.server) == "ping");
    both.client->shutdown_send();
    BOOST_TEST((read_error(here, *both.server) == errc::closed));
    BOOST_TEST(!write(here, *both.server, "pong"));
    BOOST_TEST(read_once(here, *both.client) == "pong");
    BOOST_TEST(!both.client->peer_user().has_value());
  }
}

BOOST_AUTO_TEST_CASE(nobody_listens_is_refused) {
  checked_world here;
  const std::uint16_t port = serve(here)->local().port;
  BOOST_TEST((connect_error(here, loopback(port)) == std::errc::connection_refused));
}

BOOST_AUTO_TEST_CASE(a_host_that_is_not_numeric_is_not_found) {
  checked_world here;
  BOOST_TEST((connect_error(here, endpoint::tcp("models.example", 80)) == errc::not_found));
}

BOOST_AUTO_TEST_CASE(a_server_that_accepts_nobody_ends_at_the_deadline) {
  checked_world here;
  // A backlog of nothing: the kernel drops what comes beyond it, and the caller hears nothing.
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  BOOST_TEST_REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&at), size) == 0);
  BOOST_TEST_REQUIRE(::listen(silent, 0) == 0);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&at), &size);
  std::vector<stream> queued;
  std::error_code found;
  for (int attempt = 0; attempt < 8 && !found; ++attempt) {
    auto made = here->run(here->view().network.connect(loopback(ntohs(at.sin_port)), briefly(here)));
    found = made.error_or_none();
    if (made) queued.push_back(std::move(made).value());
  }
  BOOST_TEST((found == errc::timed_out));
  queued.clear();
  ::close(silent);
}

BOOST_AUTO_TEST_CASE(a_connection_nobody_answers_ends_at_the_deadline_and_goes_on) {
  checked_world here;
  pair both = make_pair(here);
  BOOST_TEST((read_error(here, *both.client, briefly(here)) == errc::timed_out));
  BOOST_TEST(!write(here, *both.server, "late"));
  BOOST_TEST(read_once(here, *both.client) == "late");
}

BOOST_AUTO_TEST_CASE(a_peer_that_reads_nothing_stops_the_writer_until_the_deadline) {
  checked_world here;
  pair both = make_pair(here);
  BOOST_TEST((here->run(fill(*both.client, briefly(here))).error() == errc::timed_out));
}

BOOST_AUTO_TEST_CASE(a_reset_is_an_error_and_no_signal) {
  checked_world here;
  pair both = make_pair(here);
  BOOST_TEST(!write(here, *both.client, "unread"));
  both.server->close();  // with bytes unread: the kernel resets
  std::error_code found;
  for (int attempt = 0; attempt < 3 && !found; ++attempt) found = write(here, *both.client, "more");
  BOOST_TEST((found == std::errc::connection_reset || found == std::errc::broken_pipe));
  BOOST_TEST((read_error(here, *both.server) == errc::closed));
}

BOOST_AUTO_TEST_CASE(every_wait_can_be_cancelled) {
  checked_world here;
  pair both = make_pair(here);
  const auto pause = []() -> task<int> {
    co_await sleep_until(os::monotonic_now() + std::chrono::milliseconds(2));
    co_return 0;
  };
  std::array<char, 16> buffer;
  auto read_race = [](byte_stream& from, std::span<char> into, task<int> stop) -> task<std::error_code> {
    auto racing = race(from.read_some(into, soon()), std::move(stop));
    auto outcome = co_await racing;
    co_return outcome.get<0>().error_or_none();
  };
  BOOST_TEST((here->run(read_race(*both.client, buffer, pause())) == errc::cancelled));
  auto accept_race = [](listener& from, task<int> stop) -> task<std::error_code> {
    auto racing = race(from.accept(soon()), std::move(stop));
    auto outcome = co_await racing;
    co_return outcome.get<0>().error_or_none();
  };
  BOOST_TEST((here->run(accept_race(*both.listening, pause())) == errc::cancelled));
  auto write_race = [](byte_stream& to, task<int> stop) -> task<std::error_code> {
    auto racing = race(fill(to, soon()), std::move(stop));
    auto outcome = co_await racing;
    co_return outcome.get<0>().error_or_none();
  };
  BOOST_TEST((here->run(write_race(*both.client, pause())) == errc::cancelled));
  cancel_source cancelled;
  cancelled.cancel();
  auto connecting = here->view().network.connect(both.listening->local(), soon());
  BOOST_TEST((here->run(std::move(connecting), &cancelled).error_or_none() == errc::cancelled));
  auto reading = both.client->read_some(buffer, soon());
  BOOST_TEST((here->run(std::move(reading), &cancelled).error_or_none() == errc::cancelled));
}

BOOST_AUTO_TEST_CASE(closing_ends_the_wait_of_another) {
  checked_world here;
  pair both = make_pair(here);
  std::array<char, 16> buffer;
  const auto closer = [](byte_stream& which) -> task<int> {
    co_await yield();
    which.close();
    co_await sleep_until(os::monotonic_now() + std::chrono::hours(1));
    co_return 0;
  };
  auto read_race = [](byte_stream& from, std::span<char> into, task<int> stop) -> task<std::error_code> {
    auto racing = race(from.read_some(into, soon()), std::move(stop));
    auto outcome = co_await racing;
    co_return outcome.get<0>().error_or_none();
  };
  BOOST_TEST((here->run(read_race(*both.client, buffer, closer(*both.client))) == errc::closed));
}

BOOST_AUTO_TEST_CASE(a_port_in_use_cannot_be_bound_and_says_who_holds_it) {
  checked_world here;
  const auto listening = serve(here);
  const std::uint16_t port = listening->local().port;
  BOOST_TEST((here->view().network.check_bindable(loopback(port)) == std::errc::address_in_use));
  BOOST_TEST((here->view().network.check_bindable(endpoint::tcp("0.0.0.0", port)) == std::errc::address_in_use));
  const port_holder holder = here->processes().find_listener(port);
  BOOST_TEST(holder.pid == ::getpid());
  BOOST_TEST(holder.command.find("os") != std::string::npos);
  listening->close();
  BOOST_TEST(!here->view().network.check_bindable(loopback(port)));
  BOOST_TEST(here->processes().find_listener(port).pid == 0);
}

BOOST_AUTO_TEST_CASE(connections_that_wait_to_die_do_not_hold_a_port) {
  checked_world here;
  pair both = make_pair(here);
  const std::uint16_t port = both.listening->local().port;
  both.server->close();  // this side waits in TIME_WAIT
  BOOST_TEST((read_error(here, *both.client) == errc::closed));
  both.client->close();
  both.listening->close();
  BOOST_TEST(!here->view().network.check_bindable(loopback(port)));
}

BOOST_AUTO_TEST_CASE(a_want_of_descriptors_is_told_as_such) {
  checked_world here;
  const auto listening = serve(here);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit tight{lowest_free_descriptor(), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &tight);
  const std::error_code found = connect_error(here, listening->local());
  ::setrlimit(RLIMIT_NOFILE, &before);
  BOOST_TEST((found == std::errc::too_many_files_open));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(unix_sockets)

BOOST_AUTO_TEST_CASE(a_unix_socket_is_for_its_owner_alone_and_knows_its_peer) {
  const temporary_directory place;
  checked_world here;
  {
    pair both = make_pair(here, endpoint::unix_path(place / "control"));
    struct stat found {};
    BOOST_TEST_REQUIRE(::stat((place / "control").c_str(), &found) == 0);
    BOOST_TEST((found.st_mode & 0777) == 0600u);
    BOOST_TEST((both.server->peer_user() == ::getuid()));
    BOOST_TEST(!write(here, *both.client, "hello"));
    BOOST_TEST(read_once(here, *both.server) == "hello");
  }
  BOOST_TEST(!std::filesystem::exists(place / "control"));
}

BOOST_AUTO_TEST_CASE(a_stale_socket_is_replaced_and_a_live_one_is_not) {
  const temporary_directory place;
  const std::string path = place / "control";
  checked_world here;
  {
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strcpy(at.sun_path, path.c_str());
    BOOST_TEST_REQUIRE(::bind(stale, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    ::close(stale);
  }
  BOOST_TEST((connect_error(here, endpoint::unix_path(path)) == std::errc::connection_refused));
  const auto live = serve(here, endpoint::unix_path(path));
  BOOST_TEST((here->view().network.listen(endpoint::unix_path(path)).error() == std::errc::address_in_use));
  BOOST_TEST(std::filesystem::exists(path));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_left_alone) {
  const temporary_directory place;
  const std::string path = place / "precious";
  ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  checked_world here;
  BOOST_TEST((here->view().network.listen(endpoint::unix_path(path)).error() == std::errc::address_in_use));
  BOOST_TEST(std::filesystem::is_regular_file(path));
}

BOOST_AUTO_TEST_CASE(a_path_too_long_for_the_kernel_is_said_to_be) {
  checked_world here;
  const std::string path = "/tmp/" + std::string(200, 'x');
  BOOST_TEST((here->view().network.listen(endpoint::unix_path(path)).error() == std::errc::filename_too_long));
  BOOST_TEST((connect_error(here, endpoint::unix_path(path)) == std::errc::filename_too_long));
}

BOOST_AUTO_TEST_CASE(a_datagram_names_its_sender_and_is_cut_at_its_bound) {
  const temporary_directory place;
  const std::string path = place / "notify";
  checked_world here;
  auto bound = here->view().network.bind_datagram(path);
  BOOST_TEST_REQUIRE(bound.has_value());
  struct stat found {};
  BOOST_TEST_REQUIRE(::stat(path.c_str(), &found) == 0);
  BOOST_TEST((found.st_mode & 0777) == 0666u);
  const int sender = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strcpy(at.sun_path, path.c_str());
  BOOST_TEST_REQUIRE(::connect(sender, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  BOOST_TEST(::send(sender, "READY=1", 7, 0) == 7);
  const std::string big(5000, 'x');
  BOOST_TEST(::send(sender, big.data(), big.size(), 0) == 5000);
  const auto first = here->run((*bound)->receive(soon()));
  BOOST_TEST_REQUIRE(first.has_value());
  BOOST_TEST(first->bytes == "READY=1");
  BOOST_TEST(first->sender_pid == ::getpid());
  BOOST_TEST(!first->truncated);
  const auto second = here->run((*bound)->receive(soon()));
  BOOST_TEST_REQUIRE(second.has_value());
  BOOST_TEST(second->truncated);
  BOOST_TEST(second->bytes.size() == 4096u);
  BOOST_TEST((here->run((*bound)->receive(briefly(here))).error() == errc::timed_out));
  ::close(sender);
}

BOOST_AUTO_TEST_SUITE_END()
