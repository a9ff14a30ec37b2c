#include "hale/os/linux_network.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "hale/os/descriptor.hpp"
#include "hale/os/socket_address.hpp"

namespace hale::os {
namespace {

constexpr int listen_backlog = 1024;
constexpr std::size_t datagram_limit = 4096;
constexpr duration full_backlog_pause = std::chrono::milliseconds(2);

bool would_block(int code) noexcept { return code == EAGAIN || code == EWOULDBLOCK; }

/// What ends an operation before it is tried: a cancellation, or a deadline that has passed.
std::error_code over_before_begun(const context& here, deadline limit) noexcept {
  if (here.cancelled()) return errc::cancelled;
  if (!limit.is_never() && limit.passed(monotonic_now())) return errc::timed_out;
  return {};
}

std::error_code set_flag(int fd, int level, int option) noexcept {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0 ? std::error_code() : system_error(errno);
}

class socket_stream final : public byte_stream {
 public:
  socket_stream(descriptor socket, bool tcp) noexcept : socket_(std::move(socket)), tcp_(tcp) {}

  task<result<std::size_t>> read_some(std::span<char> into, deadline limit) override {
    const context here = co_await this_context();
    for (;;) {
      if (const std::error_code over = over_before_begun(here, limit)) co_return over;
      if (!socket_) co_return errc::closed;
      if (!socket_.loop().spend()) co_await yield();
      const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), 0);
      if (count > 0) co_return static_cast<std::size_t>(count);
      if (count == 0) co_return errc::closed;
      if (errno == EINTR) continue;
      if (!would_block(errno)) co_return system_error(errno);
      readiness_wait ready(socket_, descriptor::readable, limit);
      const std::error_code failed = co_await ready;
      if (failed) co_return failed;
    }
  }

  task<result<std::size_t>> write_some(std::span<const char> from, deadline limit) override {
    const context here = co_await this_context();
    if (tcp_ && ++writes_ == 2) set_flag(socket_.get(), IPPROTO_TCP, TCP_NODELAY);
    for (;;) {
      if (const std::error_code over = over_before_begun(here, limit)) co_return over;
      if (!socket_) co_return errc::closed;
      if (!socket_.loop().spend()) co_await yield();
      const ssize_t count = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL);
      if (count >= 0) co_return static_cast<std::size_t>(count);
      if (errno == EINTR) continue;
      if (!would_block(errno)) co_return system_error(errno);
      readiness_wait ready(socket_, descriptor::writable, limit);
      const std::error_code failed = co_await ready;
      if (failed) co_return failed;
    }
  }

  void shutdown_send() noexcept override {
    if (socket_) ::shutdown(socket_.get(), SHUT_WR);
  }
  void close() noexcept override { socket_.close(); }
  std::optional<std::uint32_t> peer_user() const noexcept override {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (tcp_ || !socket_) return std::nullopt;
    if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return credentials.uid;
  }

 private:
  descriptor socket_;
  bool tcp_;
  std::uint8_t writes_ = 0;  // wraps; only the second counts: one write per connection needs no option
};

/// The file a unix socket is bound to; removed with it if it is still the same file.
class socket_file {
 public:
  socket_file() noexcept = default;
  explicit socket_file(std::string path) : path_(std::move(path)) {
    struct stat found {};
    if (::lstat(path_.c_str(), &found) != 0) path_.clear();
    device_ = found.st_dev;
    inode_ = found.st_ino;
  }
  socket_file(socket_file&& other) noexcept
      : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
  socket_file& operator=(socket_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
  }
  ~socket_file() { remove(); }
  void remove() noexcept {
    if (path_.empty()) return;
    struct stat found {};
    if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_) {
      ::unlink(path_.c_str());
    }
    path_.clear();
  }

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

class socket_listener final : public listener {
 public:
  socket_listener(descriptor socket, endpoint local, socket_file file)
      : socket_(std::move(socket)), local_(std::move(local)), file_(std::move(file)) {}

  task<result<std::unique_ptr<byte_stream>>> accept(deadline limit) override {
    const context here = co_await this_context();
    for (;;) {
      if (const std::error_code over = over_before_begun(here, limit)) co_return over;
      if (!socket_) co_return errc::closed;
      if (!socket_.loop().spend()) co_await yield();
      unique_fd accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (accepted) {
        descriptor connection(socket_.loop(), std::move(accepted));
        const bool tcp = local_.type == endpoint::kind::tcp;
        std::unique_ptr<byte_stream> stream = std::make_unique<socket_stream>(std::move(connection), tcp);
        co_return stream;
      }
      // A connection that its peer gave up before it was accepted is not ours to report.
      if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
      if (!would_block(errno)) co_return system_error(errno);
      readiness_wait ready(socket_, descriptor::readable, limit);
      const std::error_code failed = co_await ready;
      if (failed) co_return failed;
    }
  }
  endpoint local() const override { return local_; }
  void close() noexcept override {
    socket_.close();
    file_.remove();
  }

 private:
  descriptor socket_;
  endpoint local_;
  socket_file file_;
};

class unix_datagrams final : public datagram_socket {
 public:
  unix_datagrams(descriptor socket, socket_file file) : socket_(std::move(socket)), file_(std::move(file)) {}

  task<result<datagram>> receive(deadline limit) override {
    const context here = co_await this_context();
    for (;;) {
      if (const std::error_code over = over_before_begun(here, limit)) co_return over;
      if (!socket_.loop().spend()) co_await yield();
      datagram received;
      const std::error_code failed = receive_now(received);
      if (!failed) co_return received;
      if (failed == std::errc::interrupted) continue;
      if (!would_block(failed.value())) co_return failed;
      readiness_wait ready(socket_, descriptor::readable, limit);
      const std::error_code over = co_await ready;
      if (over) co_return over;
    }
  }

 private:
  // There is room for credentials only, so the kernel drops descriptors that are sent along.
  std::error_code receive_now(datagram& into) {
    std::array<char, datagram_limit> buffer;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
    iovec bytes{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return system_error(errno);
    into.bytes.assign(buffer.data(), static_cast<std::size_t>(count));
    into.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
      into.sender_pid = credentials.pid;
    }
    return {};
  }

  descriptor socket_;
  socket_file file_;
};

/// Binding to a free port of the ephemeral range can connect a socket to itself, when the kernel happens to choose the
/// port asked for as the local one: nobody listens there.
bool connected_to_itself(int fd) noexcept {
  return socket_address::local_of(fd) == socket_address::peer_of(fd);
}

std::error_code connection_error(int fd) noexcept {
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return system_error(errno);
  return code == 0 ? std::error_code() : system_error(code);
}

task<std::error_code> finish_connecting(descriptor& socket, socket_address to, deadline limit) {
  for (;;) {
    // The second call tells how the first went: on loopback it is over by now.
    if (::connect(socket.get(), to.data(), to.size()) == 0 || errno == EISCONN) co_return std::error_code();
    if (errno == EINPROGRESS || errno == EINTR) continue;
    if (errno == EALREADY) {
      readiness_wait ready(socket, descriptor::writable, limit);
      const std::error_code failed = co_await ready;
      if (failed) co_return failed;
      co_return connection_error(socket.get());
    }
    if (to.family() != AF_UNIX || !would_block(errno)) co_return system_error(errno);
    // A unix socket whose backlog is full: the kernel gives nothing to wait for.
    if (limit.passed(monotonic_now())) co_return errc::timed_out;
    const instant next = saturating_add(monotonic_now(), full_backlog_pause);
    const std::error_code failed = co_await sleep_until(std::min(next, limit.at()));
    if (failed) co_return failed;
  }
}

/// Whether somebody serves the unix socket at `to`: success if so, ECONNREFUSED for a stale file.
std::error_code try_unix_peer(const socket_address& to, int type) noexcept {
  unique_fd probe(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return system_error(errno);
  return ::connect(probe.get(), to.data(), to.size()) == 0 ? std::error_code() : system_error(errno);
}

/// Binds, and where only a stale socket file is in the way, replaces it.
std::error_code bind_path(int fd, const socket_address& at, const std::string& path, int type) noexcept {
  if (::bind(fd, at.data(), at.size()) == 0) return {};
  if (errno != EADDRINUSE) return system_error(errno);
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return system_error(EADDRINUSE);
  if (try_unix_peer(at, type) != std::errc::connection_refused) return system_error(EADDRINUSE);
  ::unlink(path.c_str());
  return ::bind(fd, at.data(), at.size()) == 0 ? std::error_code() : system_error(errno);
}

}  // namespace

task<result<std::unique_ptr<byte_stream>>> linux_network::connect(endpoint to, deadline limit) {
  const context here = co_await this_context();
  if (const std::error_code over = over_before_begun(here, limit)) co_return over;
  if (!loop_.spend()) co_await yield();
  const result<socket_address> address = socket_address::of(to);
  if (!address) co_return address.error();
  unique_fd made(::socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) co_return system_error(errno);
  descriptor socket(loop_, std::move(made));
  if (::connect(socket.get(), address->data(), address->size()) != 0) {
    if (errno != EINPROGRESS && errno != EINTR && !would_block(errno)) co_return system_error(errno);
    auto finishing = finish_connecting(socket, *address, limit);
    const std::error_code failed = co_await std::move(finishing);
    if (failed) co_return failed;
  }
  const bool tcp = to.type == endpoint::kind::tcp;
  if (tcp && connected_to_itself(socket.get())) co_return system_error(ECONNREFUSED);
  std::unique_ptr<byte_stream> stream = std::make_unique<socket_stream>(std::move(socket), tcp);
  co_return stream;
}

result<std::unique_ptr<listener>> linux_network::listen(endpoint at) {
  const result<socket_address> address = socket_address::of(at);
  if (!address) return address.error();
  unique_fd made(::socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return system_error(errno);
  socket_file file;
  if (at.type == endpoint::kind::unix_path) {
    // The mode of the socket before it is bound becomes that of the file: at no moment may others connect.
    if (::fchmod(made.get(), S_IRUSR | S_IWUSR) != 0) return system_error(errno);
    if (const std::error_code failed = bind_path(made.get(), *address, at.host, SOCK_STREAM)) return failed;
    file = socket_file(at.host);
  } else {
    set_flag(made.get(), SOL_SOCKET, SO_REUSEADDR);
    set_flag(made.get(), IPPROTO_TCP, TCP_NODELAY);  // inherited by what is accepted
    if (address->family() == AF_INET6) set_flag(made.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    if (::bind(made.get(), address->data(), address->size()) != 0) return system_error(errno);
  }
  if (::listen(made.get(), listen_backlog) != 0) return system_error(errno);
  endpoint local = at.type == endpoint::kind::unix_path ? at : socket_address::local_of(made.get()).as_endpoint();
  descriptor socket(loop_, std::move(made));
  std::unique_ptr<listener> ready =
      std::make_unique<socket_listener>(std::move(socket), std::move(local), std::move(file));
  return ready;
}

std::error_code linux_network::check_bindable(endpoint at) noexcept {
  const result<socket_address> address = socket_address::of(at);
  if (!address) return address.error();
  if (at.type == endpoint::kind::unix_path) {
    const std::error_code found = try_unix_peer(*address, SOCK_STREAM);
    const bool free = found == std::errc::connection_refused || found == std::errc::no_such_file_or_directory;
    return free ? std::error_code() : system_error(EADDRINUSE);
  }
  const unique_fd probe(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return system_error(errno);
  set_flag(probe.get(), SOL_SOCKET, SO_REUSEADDR);
  if (address->family() == AF_INET6) set_flag(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  return ::bind(probe.get(), address->data(), address->size()) == 0 ? std::error_code() : system_error(errno);
}

result<std::unique_ptr<datagram_socket>> linux_network::bind_datagram(std::string path) {
  const result<socket_address> address = socket_address::of(endpoint::unix_path(path));
  if (!address) return address.error();
  unique_fd made(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return system_error(errno);
  if (const std::error_code failed = set_flag(made.get(), SOL_SOCKET, SO_PASSCRED)) return failed;
  if (const std::error_code failed = bind_path(made.get(), *address, path, SOCK_DGRAM)) return failed;
  if (::chmod(path.c_str(), 0666) != 0) return system_error(errno);
  descriptor socket(loop_, std::move(made));
  std::unique_ptr<datagram_socket> ready =
      std::make_unique<unix_datagrams>(std::move(socket), socket_file(std::move(path)));
  return ready;
}

}  // namespace hale::os
