// What one probe costs: connect, request, response, close on loopback; CPU time of this thread, against a bare loop of
// system calls that does the same. The server runs in a child process. Prints microseconds for each; asserts nothing.
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "hale/os/linux_world.hpp"

namespace {

constexpr std::string_view request = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
constexpr std::string_view response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

double thread_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

[[noreturn]] void serve(int listening) {
  std::array<char, 4096> buffer;
  for (;;) {
    const int connection = ::accept(listening, nullptr, nullptr);
    if (::recv(connection, buffer.data(), buffer.size(), 0) > 0) {
      [[maybe_unused]] const ssize_t sent = ::send(connection, response.data(), response.size(), MSG_NOSIGNAL);
    }
    ::close(connection);
  }
}

void bare_probe(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::array<char, 4096> buffer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) std::abort();
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) std::abort();
  if (::recv(fd, buffer.data(), buffer.size(), 0) <= 0) std::abort();
  ::close(fd);
}

hale::task<int> probes(hale::world& world, std::uint16_t port, int count) {
  std::array<char, 4096> buffer;
  for (int left = count; left > 0; --left) {
    const hale::deadline limit = world.clock.after(std::chrono::seconds(3));
    hale::endpoint to = hale::endpoint::tcp("127.0.0.1", port);
    auto connecting = world.network.connect(std::move(to), limit);
    auto stream = co_await std::move(connecting);
    if (!stream) co_return 1;
    auto sending = (*stream)->write_some(request, limit);
    if (!co_await std::move(sending)) co_return 1;
    auto reading = (*stream)->read_some(buffer, limit);
    if (!co_await std::move(reading)) co_return 1;
  }
  co_return 0;
}

}  // namespace

int main() {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listening, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listening, 128) != 0) return 1;
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size);
  const std::uint16_t port = ntohs(at.sin_port);
  const pid_t server = ::fork();
  if (server == 0) serve(listening);

  constexpr int count = 2000;
  constexpr int rounds = 5;
  double bare = 1e9;
  double ours = 1e9;
  int failed = 0;
  {
    hale::os::linux_world here;
    for (int round = 0; round < rounds; ++round) {  // alternating, the best of each
      const double begin = thread_microseconds();
      for (int left = count; left > 0; --left) bare_probe(port);
      const double middle = thread_microseconds();
      failed += here.run(probes(here.view(), port, count));
      const double end = thread_microseconds();
      bare = std::min(bare, (middle - begin) / count);
      ours = std::min(ours, (end - middle) / count);
    }
  }
  ::kill(server, SIGKILL);
  ::waitpid(server, nullptr, 0);
  std::printf("bare %.1f us, hale %.1f us a probe\n", bare, ours);
  return failed;
}
