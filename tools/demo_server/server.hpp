// The demo model server itself: one thread, one poll() loop, so that a fault which blocks the loop blocks everything,
// as it does in the servers it stands for.
#pragma once

#include <llhttp/llhttp.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fault.hpp"
#include "options.hpp"

namespace demo {

/// Owns a descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int value) : value_(value) {}
  descriptor(descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor();
  int get() const { return value_; }
  void close();

 private:
  int value_ = -1;
};

/// One request and its response.
struct connection {
  explicit connection(descriptor socket);

  descriptor socket;
  llhttp_t parser;
  std::string target;
  bool complete = false;  ///< the request is
  bool done = false;      ///< to be closed
  std::string out;
  fault_kind source = fault_kind::none;  ///< drip, endless_headers, huge: where more output comes from
  clock::time_point not_before{};        ///< no output earlier than this
  bool infers = false;                   ///< counts as a request in progress
  std::optional<fault> afterwards;       ///< what befalls the process once this is answered
};

class server {
 public:
  explicit server(options settings);

  /// Serves until SIGTERM or SIGINT; returns the exit code.
  int run();

 private:
  bool open();
  void turn();
  clock::time_point next_due() const;
  void accept_connections();
  void receive(connection& from);
  void transmit(connection& to);
  void answer(connection& to);
  void answer_with_fault(connection& to);
  void answer_fault_request(connection& to);
  void answer_truthfully(connection& to);
  void refill(connection& to);

  void befall(const fault& what);
  clock::time_point due(const scheduled_fault& what) const;
  void strike_on_schedule();
  void load();
  void beat();
  void obey_signals();
  void notify(std::string_view message) const;
  void log(const std::string& line) const;

  options settings_;
  llhttp_settings_t parser_settings_;
  descriptor listener_;
  descriptor signals_;
  descriptor notify_socket_;
  std::vector<std::unique_ptr<connection>> connections_;

  clock::time_point started_ = clock::now();
  clock::time_point next_load_log_ = started_;
  clock::time_point next_beat_ = started_;
  std::optional<clock::time_point> stop_at_;
  milliseconds beat_interval_{1000};
  std::uint64_t loaded_bytes_ = 0;
  std::uint64_t tokens_predicted_ = 0;
  bool ready_ = false;
  bool mute_ = false;
  fault answers_;  ///< in effect on every answer
  fault_kind model_ = fault_kind::none;
  std::size_t next_scheduled_ = 0;
};

}  // namespace demo
