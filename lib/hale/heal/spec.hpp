// What a cluster shall be: the specifications that supervision works from, whether they came from a cluster file, from
// the command line or from code. Values only, checked by whoever makes them; every default of behaviour section 11 is
// the default here. Optional parts are features that are off.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hale/base/time.hpp"
#include "hale/policy/backoff.hpp"
#include "hale/policy/diagnosis.hpp"
#include "hale/policy/restart_budget.hpp"
#include "hale/world/log_store.hpp"

namespace hale {

/// One way to ask a server whether it is well. Texts may hold placeholders ({port}, {name} …).
struct probe_spec {
  enum class kind { http, tcp, exec };
  kind type = kind::http;
  std::string host = "127.0.0.1";  ///< numeric, or "localhost"
  std::string port;                ///< a number or a placeholder; empty: the instance's port
  std::string path = "/health";
  std::string method = "GET";
  std::map<std::string, std::string> headers;
  std::vector<int> status = {200};
  std::string body_contains;          ///< empty: any body
  std::vector<std::string> exec_argv;
  duration interval = std::chrono::seconds(5);
  duration timeout = std::chrono::seconds(3);
  std::uint32_t failures = 3;  ///< consecutive ones that make it unhealthy
  friend bool operator==(const probe_spec&, const probe_spec&) = default;
};

struct start_spec {
  duration stall = std::chrono::seconds(120);  ///< without any sign of progress
  duration timeout = std::chrono::minutes(20); ///< in all
  friend bool operator==(const start_spec&, const start_spec&) = default;
};

struct stop_spec {
  int signal = 15;
  duration timeout = std::chrono::seconds(10);  ///< then SIGKILL to the whole tree
  int diagnostic_signal = 0;                    ///< sent first to a process that is stopped because it is sick; 0: none
  friend bool operator==(const stop_spec&, const stop_spec&) = default;
};

struct restart_spec {
  restart_when policy = restart_when::always;
  backoff_policy backoff;
  std::uint32_t attempts = 5;                     ///< restarts before cooling
  duration reset_after = std::chrono::seconds(60);  ///< of healthy time
  duration cool = std::chrono::minutes(5);        ///< zero: give up for good
  friend bool operator==(const restart_spec&, const restart_spec&) = default;
};

struct heartbeat_spec {
  duration expected = std::chrono::seconds(15);
  duration drift = std::chrono::seconds(5);
  friend bool operator==(const heartbeat_spec&, const heartbeat_spec&) = default;
};

struct error_rate_spec {
  double degraded = 0.1;
  double unhealthy = 0.5;
  friend bool operator==(const error_rate_spec&, const error_rate_spec&) = default;
};

struct memory_spec {
  std::optional<std::uint64_t> soft_bytes;   ///< measured resident memory of the tree: degraded
  std::optional<std::uint64_t> hard_bytes;   ///< measured: restart
  std::optional<std::uint64_t> limit_bytes;  ///< enforced by the kernel
  friend bool operator==(const memory_spec&, const memory_spec&) = default;
};

/// One instance of a service: what differs between siblings.
struct instance_spec {
  std::string name;
  std::uint16_t port = 0;  ///< 0: it has none
  friend bool operator==(const instance_spec&, const instance_spec&) = default;
};

struct service_spec {
  std::string name;
  std::vector<std::string> command;  ///< argv, with placeholders and leading NAME=value words
  bool shell = false;                ///< command is one text for /bin/sh -c
  std::map<std::string, std::string> env;
  std::string cwd;
  std::vector<instance_spec> instances;  ///< index i of behaviour §3 is the position here
  std::uint16_t base_port = 0;
  duration stagger{};
  std::vector<std::string> after;  ///< services that must have been started
  std::vector<std::string> needs;  ///< services that must serve

  start_spec start;
  std::optional<probe_spec> start_probe;  ///< default: the health probe
  std::optional<probe_spec> health;
  std::optional<heartbeat_spec> heartbeat;
  error_rate_spec errors;
  memory_spec memory;
  restart_spec restart;
  stop_spec stop;
  log_limits logs;
  std::uint32_t max_unavailable = 0;  ///< instances that probe verdicts may take down at once; 0: one or a quarter
  friend bool operator==(const service_spec&, const service_spec&) = default;
};

struct cluster_spec {
  std::string name = "hale";
  std::string state_dir;             ///< empty: the default for `name`
  std::vector<std::string> control = {"unix"};
  std::uint32_t start_concurrency = 2;
  std::vector<service_spec> services;
  friend bool operator==(const cluster_spec&, const cluster_spec&) = default;
};

}  // namespace hale
