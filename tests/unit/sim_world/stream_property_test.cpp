// Bytes never vanish inside a stream, change or change places: tcp(7), whatever the weather.
#include <rapidcheck/boost_test.h>

#include <cerrno>

#include "hale/base/error.hpp"
#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

struct transfer {
  std::string sent;
  std::string got;
  std::error_code end;
};

std::string numbered(std::size_t size) {
  std::string text;
  for (std::uint64_t n = 0; text.size() < size; ++n) text += std::to_string(n) + ' ';
  text.resize(size);
  return text;
}

task<void> send_all(listener& at, const hale::clock& clock, std::string& text, std::size_t chunk) {
  auto accepting = at.accept(clock.after(seconds(10)));
  auto got = co_await std::move(accepting);
  if (!got) co_return;
  for (std::size_t done = 0; done < text.size();) {
    const std::span<const char> rest = std::span<const char>(text).subspan(done);
    auto writing = (*got)->write_some(rest.first(std::min(chunk, rest.size())), clock.after(seconds(10)));
    const auto count = co_await std::move(writing);
    if (!count) co_return;
    done += *count;
  }
}

task<std::error_code> receive_all(network& net, const hale::clock& clock, std::string& into, std::size_t room) {
  auto connecting = net.connect(endpoint::tcp("127.0.0.1", 80), clock.after(seconds(10)));
  auto connected = co_await std::move(connecting);
  if (!connected) co_return connected.error();
  std::string buffer(room, '\0');
  for (;;) {
    auto reading = (*connected)->read_some(buffer, clock.after(seconds(10)));
    const auto count = co_await std::move(reading);
    if (!count) co_return count.error();
    into.append(buffer, 0, *count);
  }
}

transfer transfer_in(const weather& sky, std::uint64_t seed, std::size_t size, std::size_t chunk, std::size_t room) {
  sim::test::bed is({}, seed);
  is.net.conditions() = sky;
  const auto net = is.net.network_of(is.here, nullptr);
  auto at = net->listen(endpoint::tcp("127.0.0.1", 80));
  transfer made;
  made.sent = numbered(size);
  is.here.kernel().start(send_all(**at, is.here.clock(), made.sent, chunk));
  made.end = is.run(receive_all(*net, is.here.clock(), made.got, room));
  return made;
}

transfer arbitrary_transfer(weather sky) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto size = *rc::gen::inRange<std::size_t>(0, 200'000);
  const auto chunk = *rc::gen::inRange<std::size_t>(1 + size / 1000, 70'000);
  const auto room = *rc::gen::inRange<std::size_t>(1 + size / 1000, 70'000);
  return transfer_in(sky, seed, size, chunk, room);
}

}  // namespace

RC_BOOST_PROP(on_a_connection_that_is_merely_slow_everything_arrives, ()) {
  weather sky;
  sky.tail = ratio{*rc::gen::inRange<std::uint64_t>(0, 1001), 1000};
  const transfer made = arbitrary_transfer(sky);
  RC_ASSERT(made.end == errc::closed);
  RC_ASSERT(made.got == made.sent);
}

RC_BOOST_PROP(on_one_that_stalls_or_is_reset_a_beginning_arrives, ()) {
  weather sky;
  const bool stalls = *rc::gen::arbitrary<bool>();
  (stalls ? sky.stall : sky.reset) = ratio{1, 1};
  const transfer made = arbitrary_transfer(sky);
  RC_ASSERT(made.sent.compare(0, made.got.size(), made.got) == 0);
  if (made.got.size() < made.sent.size()) {
    const std::error_code expected = stalls ? make_error_code(errc::timed_out) : system_error(ECONNRESET);
    RC_ASSERT(made.end == expected);
  }
}

RC_BOOST_PROP(in_pieces_everything_arrives, ()) {
  weather sky;
  sky.partial = ratio{1, 1};
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto size = *rc::gen::inRange<std::size_t>(0, 2000);
  const transfer made = transfer_in(sky, seed, size, 500, 300);
  RC_ASSERT(made.end == errc::closed);
  RC_ASSERT(made.got == made.sent);
}
