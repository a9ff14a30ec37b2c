#include "server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "answer.hpp"

namespace demo {
namespace {

constexpr std::size_t max_connections = 256;
constexpr std::size_t max_target_bytes = 4096;
constexpr std::uint64_t load_step_bytes = 16 << 20;

int on_target(llhttp_t* parser, const char* data, std::size_t size) {
  auto* const owner = static_cast<connection*>(parser->data);
  if (owner->target.size() + size > max_target_bytes) return -1;
  owner->target.append(data, size);
  return 0;
}

int on_complete(llhttp_t* parser) {
  static_cast<connection*>(parser->data)->complete = true;
  return HPE_PAUSED;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace

descriptor::~descriptor() { close(); }

void descriptor::close() {
  if (value_ >= 0) ::close(std::exchange(value_, -1));
}

connection::connection(descriptor the_socket) : socket(std::move(the_socket)) {}

server::server(options settings) : settings_(std::move(settings)) {
  llhttp_settings_init(&parser_settings_);
  parser_settings_.on_url = on_target;
  parser_settings_.on_message_complete = on_complete;
}

int server::run() {
  if (!open()) return 1;
  if (settings_.model_must_exist && ::access(settings_.model.c_str(), R_OK) != 0) {
    const std::string& model = settings_.model;
    log("gguf_init_from_file: failed to open GGUF file '" + model + "' (" + std::strerror(errno) + ")");
    log("llama_model_load: error loading model: llama_model_loader: failed to load model from " + model);
    log("llama_model_load_from_file_impl: failed to load model");
    befall({fault_kind::crash, -1, {}});
  }
  if (settings_.grandchild) leave_grandchild();
  if (!settings_.first_fault.empty()) befall(parse_fault(settings_.first_fault));
  while (!stop_at_ || clock::now() < *stop_at_) turn();
  return 0;
}

bool server::open() {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  signals_ = descriptor(::signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC));

  listener_ = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(settings_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string port = std::to_string(settings_.port);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 128) != 0) {
    log("couldn't bind HTTP server socket, hostname: 127.0.0.1, port: " + port + " (" + std::strerror(errno) + ")");
    return false;
  }
  log("srv " + settings_.name + " listening http://127.0.0.1:" + port + ", loading model " + settings_.model);

  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (settings_.heartbeat && path != nullptr)
    notify_socket_ = descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (const char* const microseconds = std::getenv("WATCHDOG_USEC"))
    beat_interval_ = milliseconds(std::max(1LL, std::atoll(microseconds) / 2000));
  return true;
}

void server::turn() {
  load();
  strike_on_schedule();
  beat();

  std::vector<pollfd> waits = {{signals_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  const clock::time_point now = clock::now();
  for (const auto& each : connections_) {
    const bool sends = !each->out.empty() && each->not_before <= now;
    waits.push_back({each->socket.get(), static_cast<short>(POLLIN | (sends ? POLLOUT : 0)), 0});
  }
  const auto left = std::chrono::ceil<milliseconds>(next_due() - now);
  ::poll(waits.data(), waits.size(), static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));

  const std::size_t known = connections_.size();
  for (std::size_t i = 0; i < known; ++i) {
    if (waits[i + 2].revents & (POLLIN | POLLHUP | POLLERR)) receive(*connections_[i]);
    if (waits[i + 2].revents & POLLOUT) transmit(*connections_[i]);
  }
  std::erase_if(connections_, [](const auto& each) { return each->done; });
  if (waits[1].revents & POLLIN) accept_connections();
  if (waits[0].revents & POLLIN) obey_signals();
}

clock::time_point server::next_due() const {
  const clock::time_point now = clock::now();
  clock::time_point at = now + std::chrono::minutes(1);
  if (!ready_) at = std::min(at, now + milliseconds(10));
  if (next_scheduled_ < settings_.schedule.size())
    at = std::min(at, due(settings_.schedule[next_scheduled_]));
  if (notify_socket_.get() >= 0 && !mute_) at = std::min(at, next_beat_);
  if (stop_at_) at = std::min(at, *stop_at_);
  for (const auto& each : connections_)
    if (!each->out.empty()) at = std::min(at, std::max(each->not_before, now));
  return at;
}

void server::accept_connections() {
  for (;;) {
    descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() < 0) return;
    if (connections_.size() >= max_connections) continue;
    auto added = std::make_unique<connection>(std::move(socket));
    llhttp_init(&added->parser, HTTP_REQUEST, &parser_settings_);
    added->parser.data = added.get();
    connections_.push_back(std::move(added));
  }
}

void server::receive(connection& from) {
  char buffer[4096];
  const ssize_t size = ::recv(from.socket.get(), buffer, sizeof buffer, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    from.done = true;
    return;
  }
  if (from.complete) return;
  const llhttp_errno_t error = llhttp_execute(&from.parser, buffer, static_cast<std::size_t>(size));
  if (from.complete) {
    answer(from);
    if (!from.out.empty() && from.not_before <= clock::now()) transmit(from);
  } else if (error != HPE_OK) {
    from.done = true;
  }
}

void server::transmit(connection& to) {
  const std::size_t size = to.source == fault_kind::drip ? 1 : to.out.size();
  const ssize_t sent = ::send(to.socket.get(), to.out.data(), size, MSG_NOSIGNAL);
  if (sent < 0) {
    to.done = errno != EAGAIN && errno != EINTR;
    return;
  }
  to.out.erase(0, static_cast<std::size_t>(sent));
  refill(to);
  if (!to.out.empty()) return;
  ::shutdown(to.socket.get(), SHUT_WR);
  to.done = true;
  if (to.afterwards) {
    const fault what = *to.afterwards;
    to.socket.close();
    befall(what);
  }
}

void server::refill(connection& to) {
  if (to.source == fault_kind::drip) to.not_before = clock::now() + milliseconds(100);
  if (to.source == fault_kind::huge && to.out.size() < 65536) to.out.append(65536, 'x');
  if (to.source == fault_kind::endless_headers && to.out.size() < 4096)
    for (int i = 0; i < 64; ++i) to.out += "x-filler: the quick brown fox jumps over the lazy dog\r\n";
}

void server::answer(connection& to) {
  if (to.target.starts_with("/fault/")) {
    answer_fault_request(to);
  } else if (is_of_answers(answers_.kind)) {
    answer_with_fault(to);
  } else if (!ready_) {
    to.out = loading_response();
  } else {
    answer_truthfully(to);
  }
}

void server::answer_fault_request(connection& to) {
  const fault what = parse_fault(std::string_view(to.target).substr(std::strlen("/fault/")));
  if (what.kind == fault_kind::unknown) {
    to.out = json_response(404, R"({"error":{"message":"no such fault","type":"not_found_error","code":404}})");
    return;
  }
  to.out = json_response(200, "{}");
  to.afterwards = what;
}

void server::answer_with_fault(connection& to) {
  switch (answers_.kind) {
    case fault_kind::garbage:
      to.out = "\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n";
      to.out += std::string(64, '\0');
      break;
    case fault_kind::early_close: to.out = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nearly"; break;
    case fault_kind::reset: {
      const linger abrupt{1, 0};
      ::setsockopt(to.socket.get(), SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
      to.done = true;
      break;
    }
    case fault_kind::drip:
      to.out = json_response(200, R"({"status":"ok"})");
      to.source = fault_kind::drip;
      break;
    case fault_kind::endless_headers:
      to.out = "HTTP/1.1 200 OK\r\n";
      to.source = fault_kind::endless_headers;
      break;
    case fault_kind::huge:
      to.out = "HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n";
      to.source = fault_kind::huge;
      break;
    case fault_kind::slow:
      answer_truthfully(to);
      to.not_before = clock::now() + milliseconds(answers_.number < 0 ? 1000 : answers_.number);
      break;
    case fault_kind::loading: to.out = loading_response(); break;
    case fault_kind::not_found:
      to.out = json_response(404, R"({"error":{"message":"File Not Found","type":"not_found_error","code":404}})");
      break;
    case fault_kind::unauthorized:
      to.out = json_response(401, R"({"error":{"message":"Invalid API Key","type":"authentication_error"}})");
      break;
    case fault_kind::error:
      to.out = json_response(500, R"({"error":{"message":"Compute error.","type":"server_error","code":500}})");
      break;
    default: break;  // silent: never answered
  }
}

void server::answer_truthfully(connection& to) {
  const std::string_view path = path_of(to.target);
  if (path == "/health" || path == "/v1/health") {
    to.out = json_response(200, R"({"status":"ok"})");
  } else if (path == "/metrics") {
    const auto in_progress = std::count_if(connections_.begin(), connections_.end(),
                                           [](const auto& each) { return each->infers; });
    to.out = metrics_response(static_cast<std::uint64_t>(in_progress), tokens_predicted_);
  } else if (path == "/v1/models") {
    to.out = models_response(settings_.model);
  } else if (path == "/v1/completions" || path == "/v1/chat/completions") {
    to.infers = model_ == fault_kind::wedge;
    if (to.infers) return;
    tokens_predicted_ += tokens_per_completion;
    to.out = completion_response(settings_.model, model_ != fault_kind::wrong_answer);
  } else {
    to.out = json_response(404, R"({"error":{"message":"File Not Found","type":"not_found_error","code":404}})");
  }
}

void server::befall(const fault& what) {
  switch (what.kind) {
    case fault_kind::none:
      answers_ = what;
      model_ = fault_kind::none;
      break;
    case fault_kind::crash:
      ::signal(SIGSEGV, SIG_DFL);  // sanitizers catch it
      ::raise(SIGSEGV);
      break;
    case fault_kind::abort: ::abort();
    case fault_kind::exit: std::_Exit(what.number < 0 ? 0 : static_cast<int>(what.number));
    case fault_kind::kill: ::raise(SIGKILL); break;
    case fault_kind::stop: ::raise(SIGSTOP); break;
    case fault_kind::hang: hang_asleep();
    case fault_kind::spin: hang_spinning();
    case fault_kind::leak: take_memory(static_cast<std::uint64_t>(what.number < 0 ? 64 : what.number) << 20); break;
    case fault_kind::oom: run_out_of_memory(settings_.oom_bound_bytes);
    case fault_kind::grandchild: leave_grandchild(); break;
    case fault_kind::mute: mute_ = true; break;
    case fault_kind::deaf: listener_.close(); break;
    case fault_kind::log: log(what.text); break;
    default:
      if (is_of_model(what.kind)) model_ = what.kind;
      if (is_of_answers(what.kind)) answers_ = what;
  }
}

clock::time_point server::due(const scheduled_fault& what) const { return settings_.epoch.value_or(started_) + what.at; }

void server::strike_on_schedule() {
  const clock::time_point now = clock::now();
  while (next_scheduled_ < settings_.schedule.size()) {
    const scheduled_fault& next = settings_.schedule[next_scheduled_];
    if (due(next) > now) return;
    ++next_scheduled_;
    if (due(next) >= started_) befall(next.what);
  }
}

void server::load() {
  if (ready_) return;
  const auto elapsed = std::chrono::floor<milliseconds>(clock::now() - started_);
  const auto whole = static_cast<std::uint64_t>(settings_.load_time.count());
  const auto part = std::min(static_cast<std::uint64_t>(elapsed.count()), whole);
  const std::uint64_t due_bytes =
      part == whole ? settings_.load_memory_bytes : settings_.load_memory_bytes / whole * part;
  const std::uint64_t step = std::min(due_bytes - loaded_bytes_, load_step_bytes);
  take_memory(step);
  loaded_bytes_ += step;

  const bool logs = settings_.load_log_interval.count() > 0 && settings_.load_time.count() > 0;
  if (logs && clock::now() >= next_load_log_) {
    next_load_log_ = clock::now() + settings_.load_log_interval;
    log("load_tensors: loading model tensors, progress = " + std::to_string(part * 100 / whole) + " %");
  }
  if (part < whole || loaded_bytes_ < settings_.load_memory_bytes) return;
  ready_ = true;
  log("srv model loaded in " + std::to_string(elapsed.count()) + " ms");
  notify("READY=1\nSTATUS=model loaded");
}

void server::beat() {
  if (mute_ || notify_socket_.get() < 0 || clock::now() < next_beat_) return;
  next_beat_ = clock::now() + beat_interval_;
  notify("WATCHDOG=1");
}

void server::obey_signals() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  if (settings_.ignore_term && info.ssi_signo == SIGTERM) {
    log("srv SIGTERM: ignored");
    return;
  }
  log(info.ssi_signo == SIGTERM ? "srv SIGTERM: shutting down" : "srv SIGINT: shutting down");
  if (!stop_at_) stop_at_ = clock::now() + settings_.stop_delay;
}

void server::notify(std::string_view message) const {
  if (notify_socket_.get() < 0) return;
  const char* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';
  ::sendto(notify_socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

void server::log(const std::string& line) const { std::fputs((line + '\n').c_str(), stderr); }

}  // namespace demo
