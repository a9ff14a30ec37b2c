// What the control API can see and do of a supervisor. The supervisor itself fits through supervisor_target; tests put
// something smaller here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hale/heal/supervisor.hpp"

namespace hale {

/// Every operation as the supervisor's of the same name.
class control_target {
 public:
  virtual task<command_result> start(std::string name, bool wait) = 0;
  virtual task<command_result> stop(std::string name) = 0;
  virtual task<command_result> restart(std::string name, bool wait) = 0;
  virtual void request_stop(std::string reason) noexcept = 0;

  virtual bool heartbeat(std::string_view instance) noexcept = 0;
  virtual bool heartbeat_port(std::uint16_t port) noexcept = 0;
  virtual bool report_request(std::string_view instance, duration took, bool success) noexcept = 0;
  virtual void on_notify(std::string_view bytes, std::int64_t sender_pid) noexcept = 0;

  virtual cluster_status status() const = 0;
  virtual const cluster_spec& spec() const noexcept = 0;
  virtual instance_log* log(std::string_view instance) const noexcept = 0;

 protected:
  ~control_target() = default;
};

}  // namespace hale
