// A world made of test doubles: processes that do what the test says, servers on ports that answer as told, no real
// time. It is deliberately simple; the simulator is the real model.
#pragma once

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hale/async/trigger.hpp"
#include "hale/world/world.hpp"
#include "support/manual_executor.hpp"

namespace hale::test {

/// How a server answers on its port.
enum class answer { ok, loading, garbage, silent, refused };

/// One process, alive or dead, as the test sees and directs it.
struct fake_life {
  process_spec spec;
  std::int64_t pid = 0;
  trigger ended;
  exit_status status;
  std::vector<int> signals;
  bool ignores_term = false;
  bool unkillable = false;
  duration term_takes{};  ///< not modelled as time: exits at once unless ignores_term
  std::uint64_t oom_kills = 0;
  std::uint64_t rss_bytes = 1 << 20;
  duration cpu{};
  hale::test::answer answer = hale::test::answer::ok;

  bool alive() const { return !ended.fired(); }
  void end(exit_status how) {
    if (!alive()) return;
    status = how;
    ended.fire();
  }
  void print(std::string_view text, output_stream to = output_stream::err) { spec.output->on_output(to, text); }
  std::string variable(std::string_view name) const {
    for (const std::string& line : spec.environment) {
      if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=') {
        return line.substr(name.size() + 1);
      }
    }
    return {};
  }
};

class fake_process final : public process {
 public:
  explicit fake_process(std::shared_ptr<fake_life> life) : life_(std::move(life)) {}
  std::int64_t pid() const noexcept override { return life_->pid; }
  task<result<exit_status>> wait(deadline limit) override {
    const std::error_code failed = co_await life_->ended.wait(limit);
    if (failed) co_return failed;
    co_return life_->status;
  }
  std::error_code signal(int number, signal_reach) noexcept override {
    life_->signals.push_back(number);
    if (number == SIGKILL && !life_->unkillable) life_->end(signalled{SIGKILL, false});
    if (number == SIGTERM && !life_->ignores_term) life_->end(exited{0});
    return {};
  }
  task<std::error_code> kill_tree(deadline limit) override {
    if (life_->alive() && !life_->unkillable) {
      life_->signals.push_back(SIGKILL);
      life_->end(signalled{SIGKILL, false});
    }
    co_return co_await life_->ended.wait(limit);
  }
  bool tree_alive() const noexcept override { return life_->alive(); }
  process_usage usage() const noexcept override {
    process_usage measured;
    measured.rss_bytes = life_->rss_bytes;
    measured.cpu_time = life_->cpu;
    measured.processes = life_->alive() ? 1 : 0;
    return measured;
  }
  std::uint64_t oom_kills() const noexcept override { return life_->oom_kills; }
  bool contains(std::int64_t pid) const noexcept override { return pid == life_->pid || pid == life_->pid + 100'000; }

 private:
  std::shared_ptr<fake_life> life_;
};

/// Answers one request in the way it was told, or never.
class fake_connection final : public byte_stream {
 public:
  fake_connection(std::string response, bool silent) : response_(std::move(response)), silent_(silent) {}
  task<result<std::size_t>> read_some(std::span<char> into, deadline limit) override {
    if (silent_) co_return co_await never_.wait(limit);
    if (response_.empty()) co_return errc::closed;
    const std::size_t count = std::min(into.size(), response_.size());
    response_.copy(into.data(), count);
    response_.erase(0, count);
    co_return count;
  }
  task<result<std::size_t>> write_some(std::span<const char> from, deadline) override { co_return from.size(); }
  void shutdown_send() noexcept override {}
  void close() noexcept override {}
  std::optional<std::uint32_t> peer_user() const noexcept override { return std::nullopt; }

 private:
  std::string response_;
  bool silent_;
  trigger never_;
};

class fake_host final : public process_host {
 public:
  /// Called for each spawn; may direct the new life, or refuse it by returning an error.
  std::function<std::optional<spawn_error>(fake_life&)> on_spawn;
  std::vector<std::shared_ptr<fake_life>> lives;

  task<result<std::unique_ptr<process>, spawn_error>> spawn(process_spec spec) override {
    auto life = std::make_shared<fake_life>();
    life->spec = std::move(spec);
    life->pid = 1000 + static_cast<std::int64_t>(lives.size());
    if (on_spawn) {
      if (auto refused = on_spawn(*life)) co_return std::move(*refused);
    }
    lives.push_back(life);
    std::unique_ptr<process> made = std::make_unique<fake_process>(life);
    co_return made;
  }
  port_holder find_listener(std::uint16_t) noexcept override {
    port_holder holder;
    holder.pid = 4711;
    holder.command = "stranger";
    return holder;
  }
  fake_life& last() { return *lives.back(); }
  /// The newest life of an instance.
  fake_life& of(std::string_view name) {
    const auto found = std::find_if(lives.rbegin(), lives.rend(), [&](const auto& l) { return l->spec.name == name; });
    assert(found != lives.rend());
    return **found;
  }
  std::size_t alive() const {
    return static_cast<std::size_t>(std::count_if(lives.begin(), lives.end(), [](const auto& l) { return l->alive(); }));
  }
  std::size_t spawns_of(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(lives.begin(), lives.end(), [&](const auto& l) { return l->spec.name == name; }));
  }

};

class fake_network final : public network {
 public:
  explicit fake_network(fake_host& host) : host_(host) {}
  std::map<std::uint16_t, answer> strangers;

  task<result<std::unique_ptr<byte_stream>>> connect(endpoint to, deadline) override {
    const auto how = who_answers(to.port);
    if (!how || *how == answer::refused) co_return system_error(ECONNREFUSED);
    std::unique_ptr<byte_stream> made = std::make_unique<fake_connection>(text_of(*how), *how == answer::silent);
    co_return made;
  }
  result<std::unique_ptr<listener>> listen(endpoint) override { return system_error(EOPNOTSUPP); }
  std::error_code check_bindable(endpoint at) noexcept override {
    return who_answers(at.port) ? system_error(EADDRINUSE) : std::error_code();
  }
  result<std::unique_ptr<datagram_socket>> bind_datagram(std::string) override { return system_error(EOPNOTSUPP); }

 private:
  std::optional<answer> who_answers(std::uint16_t port) const {
    if (const auto stranger = strangers.find(port); stranger != strangers.end()) return stranger->second;
    for (const auto& life : host_.lives) {
      if (life->alive() && life->variable("PORT") == std::to_string(port)) return life->answer;
    }
    return std::nullopt;
  }
  static std::string text_of(answer how) {
    switch (how) {
      case answer::ok: return "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";
      case answer::loading: return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 13\r\n\r\nLoading model";
      case answer::garbage: return "SSH-2.0-OpenSSH_9.2\r\n";
      case answer::silent:
      case answer::refused: return {};
    }
    return {};
  }
  fake_host& host_;
};

class fake_clock final : public clock {
 public:
  explicit fake_clock(const manual_executor& executor) : executor_(executor) {}
  instant now() const noexcept override { return executor_.now(); }
  wall_time wall() const noexcept override { return wall_time(executor_.now().time_since_epoch()); }

 private:
  const manual_executor& executor_;
};

/// Always the benign value, unless the test sets another.
class fake_random final : public random_source {
 public:
  std::uint64_t next = 0;
  std::uint64_t below(std::uint64_t bound, std::string_view) noexcept override { return std::min(next, bound - 1); }
};

class fake_log final : public instance_log {
 public:
  fake_log(std::vector<std::string>& lines, const std::uint64_t& lost) : lines_(lines), lost_(lost) {}
  void append(const log_line& line) noexcept override { lines_.emplace_back(line.text); }
  void flush() noexcept override {}
  std::vector<std::string> tail(std::size_t) const override { return lines_; }
  std::uint64_t lines_lost() const noexcept override { return lost_; }

 private:
  std::vector<std::string>& lines_;
  const std::uint64_t& lost_;
};

class fake_logs final : public log_store {
 public:
  std::map<std::string, std::vector<std::string>, std::less<>> lines;
  std::uint64_t lost = 0;  ///< by every log together
  std::unique_ptr<instance_log> open(std::string_view instance, log_limits) override {
    return std::make_unique<fake_log>(lines[std::string(instance)], lost);
  }
};

class fake_world {
 public:
  manual_executor executor;
  fake_clock clock{executor};
  fake_host host;
  fake_network network{host};
  fake_random random;
  fake_logs logs;
  hale::world view{executor, clock, host, network, random, logs};
};

}  // namespace hale::test
