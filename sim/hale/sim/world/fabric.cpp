#include "hale/sim/world/fabric.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "hale/async/channel.hpp"
#include "hale/base/error.hpp"
#include "hale/sim/world/machine.hpp"

namespace hale::sim {
namespace {

constexpr std::size_t backlog = 128;
constexpr std::size_t most_datagrams = 64;
constexpr duration syn_retry = std::chrono::seconds(1);
constexpr std::size_t small_pieces = 16;
constexpr std::uint64_t troubled_bytes = 200;  ///< a trouble that comes after some bytes comes within so many

bool is_loopback(std::string_view host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

}  // namespace

/// A socket that listens. It outlives its listener for those who are just connecting.
class listening_port {
 public:
  listening_port(simulated_process* owner, std::uint16_t port, bool shared)
      : owner_(owner), port_(port), shared_(shared) {}

  simulated_process* owner_;
  std::uint16_t port_;
  bool shared_;
  bool closed_ = false;
  channel<std::unique_ptr<simulated_stream>> waiting_{backlog};
};

struct fabric::datagram_queue {
  channel<datagram> waiting{most_datagrams};
};

class simulated_listener final : public listener {
 public:
  simulated_listener(fabric& net, machine& on, std::shared_ptr<listening_port> port, const network_limits* limits)
      : fabric_(net), machine_(on), port_(std::move(port)), limits_(limits) {}
  ~simulated_listener() override { close(); }

  task<result<std::unique_ptr<byte_stream>>> accept(deadline limit) override {
    if (limits_ != nullptr && limits_->no_descriptors) co_return system_error(EMFILE);  // what waits goes on waiting
    const std::shared_ptr<listening_port> kept = port_;
    auto next = co_await kept->waiting_.receive(limit);
    if (!next) co_return next.error();
    (*next)->accepted();
    std::unique_ptr<byte_stream> stream = std::move(*next);
    co_return stream;
  }
  endpoint local() const override { return endpoint::tcp("127.0.0.1", port_->port_); }
  void close() noexcept override {
    if (std::exchange(port_->closed_, true)) return;
    auto& at_port = fabric_.listeners_[{fabric_.id_of(machine_), port_->port_}];
    std::erase(at_port, port_);
    if (at_port.empty()) fabric_.listeners_.erase({fabric_.id_of(machine_), port_->port_});
    port_->waiting_.close();
    if (port_->owner_ != nullptr) {
      simulated_process& owner = *port_->owner_;
      owner.ports_.extract(port_->port_);
      machine_.record().tell([&](truth_observer& one) { one.on_unlisten(owner, port_->port_); });
    }
  }

 private:
  fabric& fabric_;
  machine& machine_;
  std::shared_ptr<listening_port> port_;
  const network_limits* limits_;
};

class simulated_datagram_socket final : public datagram_socket {
 public:
  explicit simulated_datagram_socket(std::shared_ptr<fabric::datagram_queue> queue) : queue_(std::move(queue)) {}
  task<result<datagram>> receive(deadline limit) override {
    const auto kept = queue_;
    co_return co_await kept->waiting.receive(limit);
  }

 private:
  std::shared_ptr<fabric::datagram_queue> queue_;
};

class host_network final : public hale::network {
 public:
  host_network(fabric& net, machine& where, simulated_process* owner, const network_limits* limits)
      : fabric_(net), machine_(where), owner_(owner), limits_(limits) {}

  task<result<std::unique_ptr<byte_stream>>> connect(endpoint to, deadline limit) override;
  result<std::unique_ptr<listener>> listen(endpoint at) override;
  std::error_code check_bindable(endpoint at) noexcept override;
  result<std::unique_ptr<datagram_socket>> bind_datagram(std::string path) override;

 private:
  bool unreachable(const machine& there, std::uint16_t port) const noexcept {
    return fabric_.blocked(machine_, there) || fabric_.blocked(there, machine_) ||
           fabric_.swallowed_.contains({fabric_.id_of(there), port});
  }

  fabric& fabric_;
  machine& machine_;
  simulated_process* owner_;
  const network_limits* limits_;
};

task<result<std::unique_ptr<byte_stream>>> host_network::connect(endpoint to, deadline limit) {
  if (limits_ != nullptr && limits_->no_descriptors) co_return system_error(EMFILE);
  if (to.type != endpoint::kind::tcp) co_return system_error(ENOENT);
  machine* const there = is_loopback(to.host) ? &machine_ : fabric_.find_machine(to.host);
  if (there == nullptr) co_return system_error(EHOSTUNREACH);
  for (;;) {
    const instant arrives = saturating_add(machine_.clock().now(), 2 * fabric_.latency());
    const std::error_code cancelled = co_await machine_.clock().sleep_until(std::min(arrives, limit.at()));
    if (cancelled) co_return cancelled;
    if (limit.passed(machine_.clock().now())) co_return errc::timed_out;
    bool refused = false;
    if (!unreachable(*there, to.port)) {
      const auto found = fabric_.listeners_.find({fabric_.id_of(*there), to.port});
      refused = found == fabric_.listeners_.end();
      if (!refused) {
        // Of several sockets on one port the kernel takes one by a hash of the connection: any may be meant.
        auto& sockets = found->second;
        const std::size_t which =
            sockets.size() > 1 ? fabric_.time().chance().below(sockets.size(), "net.reuse_port") : 0;
        auto link = std::make_shared<connection>();
        link->client = &machine_;
        link->server = there;
        link->trouble = fabric_.draw_trouble();
        auto far_end = std::make_unique<simulated_stream>(fabric_, link, true);
        if (sockets[which]->waiting_.try_send(far_end)) {
          if (there != &machine_) fabric_.remember(link);
          std::unique_ptr<byte_stream> near_end = std::make_unique<simulated_stream>(fabric_, std::move(link), false);
          co_return near_end;
        }
      }
    }
    if (refused) co_return system_error(ECONNREFUSED);
    const instant retry = saturating_add(machine_.clock().now(), syn_retry);
    const std::error_code why = co_await fabric_.unblocked_.wait(deadline(std::min(retry, limit.at())));
    if (why == errc::cancelled) co_return why;
  }
}

result<std::unique_ptr<listener>> host_network::listen(endpoint at) {
  if (limits_ != nullptr && limits_->no_descriptors) return system_error(EMFILE);
  return fabric_.listen(machine_, owner_, std::move(at), false, limits_);
}

std::error_code host_network::check_bindable(endpoint at) noexcept {
  const bool taken = fabric_.listeners_.contains({fabric_.id_of(machine_), at.port});
  return taken ? system_error(EADDRINUSE) : std::error_code();
}

result<std::unique_ptr<datagram_socket>> host_network::bind_datagram(std::string path) {
  if (limits_ != nullptr && limits_->no_descriptors) return system_error(EMFILE);
  auto queue = std::make_shared<fabric::datagram_queue>();
  fabric_.datagrams_[{fabric_.id_of(machine_), std::move(path)}] = queue;
  std::unique_ptr<datagram_socket> made = std::make_unique<simulated_datagram_socket>(std::move(queue));
  return made;
}

// --- fabric ---------------------------------------------------------------------------------------------------------

fabric::fabric(scheduler& time)
    : time_(time), latency_label_(time.chance().label("net.latency")), tail_label_(time.chance().label("net.tail")) {}
fabric::~fabric() = default;

result<std::unique_ptr<listener>> fabric::listen(machine& where, simulated_process* owner, endpoint at,
                                                 bool reuse_port, const network_limits* limits) {
  if (at.type != endpoint::kind::tcp) return system_error(EOPNOTSUPP);
  const std::size_t on = id_of(where);
  if (at.port == 0) at.port = ephemeral_port(on);
  auto& sockets = listeners_[{on, at.port}];
  const bool shared = std::all_of(sockets.begin(), sockets.end(), [](const auto& one) { return one->shared_; });
  if (!sockets.empty() && !(reuse_port && shared)) return system_error(EADDRINUSE);
  sockets.push_back(std::make_shared<listening_port>(owner, at.port, reuse_port));
  if (owner != nullptr) {
    owner->ports_.insert(at.port);
    where.record().tell([&](truth_observer& one) { one.on_listen(*owner, at.port); });
  }
  std::unique_ptr<listener> made = std::make_unique<simulated_listener>(*this, where, sockets.back(), limits);
  return made;
}

std::uint16_t fabric::ephemeral_port(std::size_t on) noexcept {
  constexpr std::uint16_t first = 32768;
  for (;;) {
    const std::uint16_t port = next_port_;
    next_port_ = next_port_ == UINT16_MAX ? first : static_cast<std::uint16_t>(next_port_ + 1);
    if (!listeners_.contains({on, port})) return port;
  }
}

void fabric::add_machine(machine& one) { machines_.push_back(&one); }

machine* fabric::find_machine(std::string_view name) const noexcept {
  const auto named = [&](const machine* one) { return one->name() == name; };
  const auto found = std::find_if(machines_.begin(), machines_.end(), named);
  return found == machines_.end() ? nullptr : *found;
}

std::size_t fabric::id_of(const machine& one) const noexcept {
  return static_cast<std::size_t>(std::find(machines_.begin(), machines_.end(), &one) - machines_.begin());
}

std::unique_ptr<hale::network> fabric::network_of(machine& where, simulated_process* owner,
                                                  const network_limits* limits) {
  return std::make_unique<host_network>(*this, where, owner, limits);
}

void fabric::block(const machine& from, const machine& to, bool blocked) {
  if (blocked) {
    blocked_.insert({id_of(from), id_of(to)});
  } else {
    blocked_.erase({id_of(from), id_of(to)});
    wake_links();
  }
}

void fabric::swallow_connects(const machine& at, std::uint16_t port, bool swallow) {
  if (swallow) {
    swallowed_.insert({id_of(at), port});
  } else if (swallowed_.erase({id_of(at), port}) > 0) {
    unblocked_.wake_all();
  }
}

void fabric::remember(const std::shared_ptr<connection>& link) {
  if (links_.size() >= links_bound_) {
    std::erase_if(links_, [](const auto& one) { return one.expired(); });
    links_bound_ = std::max<std::size_t>(64, 2 * links_.size());
  }
  links_.push_back(link);
}

void fabric::wake_links() noexcept {
  unblocked_.wake_all();
  for (const auto& one : links_) {
    const auto link = one.lock();
    if (link == nullptr) continue;
    link->to_client.changed.wake_all();
    link->to_server.changed.wake_all();
  }
}

const simulated_process* fabric::listening_process(const machine& at, std::uint16_t port) const noexcept {
  const auto found = listeners_.find({id_of(at), port});
  return found == listeners_.end() ? nullptr : found->second.front()->owner_;
}

duration fabric::latency() noexcept {
  choices& chance = time_.chance();
  constexpr duration step = std::chrono::microseconds(1);
  duration taken = weather_.least_latency;
  if (weather_.latency_spread >= step) {
    const auto steps = static_cast<std::uint64_t>(weather_.latency_spread / step);
    taken += step * static_cast<std::int64_t>(chance.below(steps, latency_label_));
  }
  if (weather_.tail.numerator > 0 && chance.chance(weather_.tail, tail_label_)) {
    const auto steps = static_cast<std::uint64_t>(weather_.longest_tail / step) + 1;
    taken += step * static_cast<std::int64_t>(chance.below(steps, "net.tail.length"));
  }
  return taken;
}

connection_trouble fabric::draw_trouble() noexcept {
  connection_trouble drawn;
  choices& chance = time_.chance();
  if (weather_.partial.numerator > 0 && chance.chance(weather_.partial, "net.partial")) {
    drawn.piece_bytes = 1 + chance.below(small_pieces, "net.partial.size");
  }
  if (weather_.stall.numerator > 0 && chance.chance(weather_.stall, "net.stall")) {
    drawn.stalls_after = chance.below(troubled_bytes, "net.stall.after");
  }
  if (weather_.reset.numerator > 0 && chance.chance(weather_.reset, "net.reset")) {
    drawn.resets_after = 1 + chance.below(troubled_bytes, "net.reset.after");
  }
  return drawn;
}

void fabric::send_datagram(machine& from, std::string_view path, std::string text, std::int64_t pid) {
  const auto found = datagrams_.find({id_of(from), std::string(path)});
  if (found == datagrams_.end()) return;
  const auto queue = found->second.lock();
  if (queue == nullptr) {
    datagrams_.erase(found);
    return;
  }
  datagram sent;
  sent.bytes = std::move(text);
  sent.sender_pid = pid;
  queue->waiting.try_send(std::move(sent));  // a full queue would make a real sender wait or drop
}

}  // namespace hale::sim
