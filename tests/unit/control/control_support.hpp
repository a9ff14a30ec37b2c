// A cluster that only remembers what was asked of it, and one end of a request without a network.
#pragma once

#include <cassert>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hale/async/pulse.hpp"
#include "hale/control/control_api.hpp"
#include "support/manual_executor.hpp"

namespace hale::test {

class executor_clock final : public clock {
 public:
  explicit executor_clock(const manual_executor& on) : on_(on) {}
  instant now() const noexcept override { return on_.now(); }
  // 2026-11-21T20:25:00Z when the test begins.
  wall_time wall() const noexcept override {
    return wall_time(std::chrono::seconds(1'795'292'700) + on_.now().time_since_epoch());
  }

 private:
  const manual_executor& on_;
};

/// Keeps every line in memory.
class memory_log_store final : public log_store {
 public:
  class log final : public instance_log {
   public:
    explicit log(std::vector<std::string>& lines) : lines_(lines) {}
    void append(const log_line& line) noexcept override { lines_.push_back(kept_form(line)); }
    void flush() noexcept override {}
    std::vector<std::string> tail(std::size_t count) const override {
      return {lines_.end() - static_cast<std::ptrdiff_t>(std::min(count, lines_.size())), lines_.end()};
    }
    std::uint64_t lines_lost() const noexcept override { return 0; }

   private:
    std::vector<std::string>& lines_;
  };
  std::unique_ptr<instance_log> open(std::string_view instance, log_limits) override {
    return std::make_unique<log>(lines[std::string(instance)]);
  }
  std::map<std::string, std::vector<std::string>> lines;
};

class fake_target final : public control_target {
 public:
  explicit fake_target(log_store& logs) {
    spec_.name = "models";
    for (const char* name : {"llama", "db"}) {
      service_spec& service = spec_.services.emplace_back();
      service.name = name;
      service.env["SECRET"] = "hunter2";
    }
    for (const char* name : {"llama-1", "llama-2", "a b/c"}) {
      spec_.services[0].instances.emplace_back().name = name;
      logs_.emplace(name, logs.open(name, {}));
    }
    spec_.services[1].instances.emplace_back().name = "db";
    logs_.emplace("db", logs.open("db", {}));
  }

  task<command_result> start(std::string name, bool wait) override {
    return command("start " + name + (wait ? " wait" : ""), wait);
  }
  task<command_result> stop(std::string name) override { return command("stop " + name, true); }
  task<command_result> restart(std::string name, bool wait) override {
    return command("restart " + name + (wait ? " wait" : ""), wait);
  }
  void request_stop(std::string reason) noexcept override { asked.push_back("shut down: " + reason); }
  bool heartbeat(std::string_view instance) noexcept override {
    asked.push_back("heartbeat " + std::string(instance));
    return logs_.count(std::string(instance)) > 0;
  }
  bool heartbeat_port(std::uint16_t port) noexcept override { return port == 11534; }
  bool report_request(std::string_view instance, duration took, bool success) noexcept override {
    asked.push_back("request " + std::string(instance) + " " + std::to_string(took.count()) + (success ? " ok" : ""));
    return logs_.count(std::string(instance)) > 0;
  }
  void on_notify(std::string_view bytes, std::int64_t pid) noexcept override {
    asked.push_back("notify " + std::string(bytes) + " from " + std::to_string(pid));
  }
  cluster_status status() const override {
    cluster_status made;
    made.cluster = spec_.name;
    made.version = "0";
    return made;
  }
  const cluster_spec& spec() const noexcept override { return spec_; }
  instance_log* log(std::string_view instance) const noexcept override {
    const auto found = logs_.find(std::string(instance));
    return found == logs_.end() ? nullptr : found->second.get();
  }

  /// Lets the commands that wait end.
  void finish() { done_.wake_all(); }

  std::vector<std::string> asked;
  command_result answer;
  bool commands_take_long = false;
  int cancelled = 0;

 private:
  task<command_result> command(std::string what, bool wait) {
    asked.push_back(std::move(what));
    if (commands_take_long && wait) {
      const std::error_code why = co_await done_.wait();
      if (why) {
        ++cancelled;
        command_result gone;
        gone.status = command_result::outcome::failed;
        gone.message = "cancelled";
        co_return gone;
      }
    }
    co_return answer;
  }

  cluster_spec spec_;
  std::map<std::string, std::unique_ptr<instance_log>> logs_;
  pulse done_;
};

class fake_responder final : public http_responder {
 public:
  task<std::error_code> send(http_response what) override {
    response = std::move(what);
    ++answers;
    co_return std::error_code();
  }
  task<std::error_code> begin(http_response head) override {
    response = std::move(head);
    ++answers;
    co_return std::error_code();
  }
  task<std::error_code> write(std::string piece) override {
    if (blocked) {
      const std::error_code why = co_await unblocked.wait();
      if (why) co_return why;
    }
    if (broken) co_return broken;
    response.body += piece;
    ++pieces;
    co_return std::error_code();
  }
  bool peer_gone() const noexcept override { return gone; }

  http_response response;
  int answers = 0;
  int pieces = 0;
  bool gone = false;
  bool blocked = false;
  pulse unblocked;
  std::error_code broken;
};

/// Everything a test of the API needs.
struct control_fixture {
  manual_executor executor;
  executor_clock time{executor};
  memory_log_store kept;
  followed_log_store logs{kept};
  fake_target target{logs};
  history events;
  control_api api{time, target, events, logs, control_access::for_user(1000)};
  http_peer peer = [] {
    http_peer made;
    made.user = 1000;
    return made;
  }();

  /// The answer to a request that does not have to wait.
  http_response ask(std::string method, std::string path, std::string body = {}) {
    fake_responder reply;
    http_request request(std::move(method), std::move(path));
    request.body = std::move(body);
    root<void> driven(executor, api.handle(std::move(request), reply, peer));
    executor.run_ready();
    assert(driven.done());
    answers = reply.answers;
    return reply.response;
  }

  event happened(std::uint64_t sequence) {
    event made;
    made.sequence = sequence;
    made.at = wall_time(std::chrono::seconds(1'795'292'000) + std::chrono::minutes(sequence));
    made.instance = "llama-1";
    made.reason = "number " + std::to_string(sequence);
    return made;
  }
  void tell(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t sequence = from; sequence <= to; ++sequence) events.on_event(happened(sequence));
  }
  void say(std::string_view instance, std::string_view text) {
    log_line line;
    line.at = time.wall();
    line.incarnation = incarnation_number(1);
    line.text = text;
    target.log(instance)->append(line);
  }

  int answers = 0;
};

/// A request that goes on while the test does something else.
struct running_request {
  running_request(control_fixture& in, std::string method, std::string path)
      : driven(in.executor, in.api.handle(http_request(std::move(method), std::move(path)), reply, in.peer), &source) {
    in.executor.run_ready();
  }
  bool done() const { return driven.done(); }

  fake_responder reply;
  cancel_source source;
  root<void> driven;
};

}  // namespace hale::test
