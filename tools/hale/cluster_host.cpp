#include "cluster_host.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/random.h>
#include <unistd.h>

#include <charconv>
#include <csignal>

#include "command_line.hpp"
#include "files.hpp"
#include "hale/async/scope.hpp"
#include "hale/policy/exit_cause.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr int hale_oom_score = -900;  // hale is the last to go when memory runs out: it is what brings the others back

constexpr std::uint64_t wave_events = 100;

std::string new_token() {
  unsigned char bytes[32];
  if (getentropy(bytes, sizeof bytes) != 0) return "";
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

// The token of TCP clients, kept from run to run. Empty when there can be none.
std::string token_in(const state_directory& state) {
  const std::string path = state.path() + "/token";
  std::string token = read_file(path, 256).value_or("");
  while (!token.empty() && token.back() == '\n') token.pop_back();
  if (token.size() >= 32) return token;
  token = new_token();
  return token.empty() || write_file(path, token + "\n") ? "" : token;
}

std::optional<endpoint> parse_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (host.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return endpoint::tcp(std::move(host), port);
}

}  // namespace

os::linux_world_options cluster_host::options_for(const state_directory& state) {
  os::linux_world_options options;
  options.log_directory = state.logs();
  options.subreaper = true;
  options.oom_score_adjustment = hale_oom_score;
  return options;
}

cluster_host::cluster_host(cluster_spec spec, const state_directory& state)
    : state_(state),
      here_(options_for(state)),
      logs_(here_.view().logs),
      view_{here_.view().executor, here_.view().clock,  here_.view().processes,
            here_.view().network,  here_.view().random, logs_},
      supervisor_(view_, std::move(spec)),
      target_(supervisor_) {
  supervisor_.subscribe(events_);
  // Sent by mistake or by habit (log rotation, limits, power events); their default would orphan every child.
  for (const int stray : {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGIO, SIGPWR, SIGTRAP}) {
    std::signal(stray, SIG_IGN);
  }
}

std::optional<failure> cluster_host::open() {
  const auto user = static_cast<std::uint32_t>(geteuid());
  auto failed = listen_at(endpoint::unix_path(state_.control_socket()), control_access::for_user(user));
  if (failed) return failed;
  for (const std::string& address : supervisor_.spec().control) {
    if (address == "unix") continue;
    failed = listen_at_address(address);
    if (failed) return failed;
  }
  auto bound = view_.network.bind_datagram(state_.notify_socket());
  if (!bound) {
    return failure{exit_failed, fmt::format("cannot open {}: {}", state_.notify_socket(), bound.error().message())};
  }
  notify_ = std::move(*bound);
  supervisor_.set_notify_path(state_.notify_socket());
  return std::nullopt;
}

std::optional<failure> cluster_host::listen_at_address(const std::string& address) {
  const auto where = parse_address(address);
  if (!where) return failure{exit_usage, fmt::format("control: expected \"unix\" or HOST:PORT, found \"{}\"", address)};
  std::string token = token_in(state_);
  if (token.empty()) return failure{exit_failed, fmt::format("cannot keep a token in {}/token", state_.path())};
  return listen_at(*where, control_access::for_token(std::move(token), where->host));
}

std::optional<failure> cluster_host::listen_at(endpoint where, control_access access) {
  auto listening = view_.network.listen(where);
  if (!listening) {
    const bool tcp = where.type == endpoint::kind::tcp;
    const std::string place = tcp ? fmt::format("{}:{}", where.host, where.port) : where.host;
    return failure{exit_failed, fmt::format("cannot listen on {}: {}", place, listening.error().message())};
  }
  listeners_.push_back(std::move(*listening));
  apis_.push_back(std::make_unique<control_api>(view_.clock, target_, events_, logs_, std::move(access)));
  return std::nullopt;
}

task<void> cluster_host::obey_signals() {
  for (;;) {
    auto waiting = here_.next_signal();
    const auto number = co_await std::move(waiting);
    if (!number) co_return;
    if (*number == SIGHUP) {
      complain(0, "SIGHUP is ignored: reloading is not supported yet by this version");
    } else {
      supervisor_.request_stop(fmt::format("{} received", signal_name(*number)));
    }
  }
}

// What a wave of starts or failures needed is not needed afterwards, and the C library does not give it back by itself.
task<void> cluster_host::give_back_memory() {
  std::uint64_t trimmed_at = events_.next();
  std::uint64_t last = trimmed_at;
  for (;;) {
    const auto over = co_await view_.clock.sleep_for(std::chrono::seconds(1));
    if (over) co_return;
    const std::uint64_t now = events_.next();
    const bool quiet = now == last;
    last = now;
    if (!quiet || now - trimmed_at < wave_events) continue;
    malloc_trim(0);
    trimmed_at = now;
  }
}

task<void> cluster_host::run(task<void> beside) {
  const context here = co_await this_context();
  scope serving(here);
  for (std::size_t at = 0; at < listeners_.size(); ++at) {
    serving.spawn(serve_control(*listeners_[at], *apis_[at], view_.clock));
  }
  serving.spawn(serve_notify(*notify_, target_, view_.clock, notify_counters_));
  serving.spawn(obey_signals());
  serving.spawn(give_back_memory());
  serving.spawn(std::move(beside));
  co_await supervisor_.run();
  serving.cancel();
  co_await serving.join();
}

}  // namespace hale::cli
