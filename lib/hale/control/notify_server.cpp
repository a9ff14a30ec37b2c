#include "hale/control/notify_server.hpp"

#include <utility>

#include "hale/wire/notify.hpp"

namespace hale {
namespace {

constexpr duration pause_after_error = std::chrono::milliseconds(100);
constexpr std::uint64_t datagrams_at_a_time = 32;  // then the rest of the program has its turn

}  // namespace

task<void> serve_notify(datagram_socket& from, control_target& to, const hale::clock& time, notify_counters& counters) {
  for (std::uint64_t turn = 1;; ++turn) {
    auto receiving = from.receive(deadline::never());
    const auto got = co_await std::move(receiving);
    if (!got) {
      if (got.error() == errc::cancelled || got.error() == errc::closed) co_return;
      ++counters.errors;
      const std::error_code failed = co_await time.sleep_for(pause_after_error);
      if (failed) co_return;
      continue;
    }
    ++counters.received;
    if (got->truncated || got->bytes.size() > max_notification_bytes) {
      ++counters.too_long;
    } else {
      to.on_notify(got->bytes, got->sender_pid);
    }
    if (turn % datagrams_at_a_time == 0) co_await yield();
  }
}

}  // namespace hale
