// A supervisor, as the control API sees it.
#pragma once

#include <utility>

#include "hale/control/control_target.hpp"

namespace hale {

/// The supervisor outlives it.
class supervisor_target final : public control_target {
 public:
  explicit supervisor_target(supervisor& controlled) noexcept : controlled_(controlled) {}

  task<command_result> start(std::string name, bool wait) override { return controlled_.start(std::move(name), wait); }
  task<command_result> stop(std::string name) override { return controlled_.stop(std::move(name)); }
  task<command_result> restart(std::string name, bool wait) override {
    return controlled_.restart(std::move(name), wait);
  }
  void request_stop(std::string reason) noexcept override { controlled_.request_stop(std::move(reason)); }

  bool heartbeat(std::string_view instance) noexcept override { return controlled_.heartbeat(instance); }
  bool heartbeat_port(std::uint16_t port) noexcept override { return controlled_.heartbeat_port(port); }
  bool report_request(std::string_view instance, duration took, bool success) noexcept override {
    return controlled_.report_request(instance, took, success);
  }
  void on_notify(std::string_view bytes, std::int64_t sender_pid) noexcept override {
    controlled_.on_notify(bytes, sender_pid);
  }

  cluster_status status() const override { return controlled_.status(); }
  const cluster_spec& spec() const noexcept override { return controlled_.spec(); }
  instance_log* log(std::string_view instance) const noexcept override { return controlled_.log(instance); }

 private:
  supervisor& controlled_;
};

}  // namespace hale
