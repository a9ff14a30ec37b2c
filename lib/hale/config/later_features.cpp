#include "hale/config/later_features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "hale/base/ip_address.hpp"
#include "hale/base/text.hpp"
#include "hale/heal/placeholder.hpp"
#include "hale/policy/cause.hpp"

namespace hale {
namespace {

using namespace std::chrono_literals;
using kind = document_node::kind;

void read_time(table_reader& in, std::string_view key, duration least) {
  duration value{};
  if (in.read_duration(key, value) && value < least) {
    in.error(key, fmt::format("expected a duration of at least {}", format_duration(least)));
  }
}

bool read_bounded(table_reader& in, std::string_view key, std::int64_t least, std::int64_t most, std::int64_t& value) {
  std::int64_t written = value;
  if (!in.read_integer(key, written)) return false;
  if (written < least || written > most) {
    in.error(key, fmt::format("expected a whole number from {} to {}", least, most));
    return false;
  }
  value = written;
  return true;
}

void require(table_reader& in, std::string_view key, std::string_view what) {
  if (!in.has(key)) in.report().error(in.path(), fmt::format("{} is missing: {}", key, what));
}

void read_path(table_reader& in) {
  std::string path;
  if (!in.read_text("http", path)) return;
  if (std::string fault = http_path_fault(path); !fault.empty()) in.error("http", fault);
}

void check_placeholders_of(table_reader& in, const key_path& path, std::string_view text,
                           std::span<const std::string_view> known = placeholder_names) {
  if (const auto error = check_placeholders(text, known)) in.report().error(path, error->message);
}

// "127.0.0.1:8080", "[::1]:8080".
bool is_tcp_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return false;
  }
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool has_port = error == std::errc() && end == digits.data() + digits.size() && port != 0;
  return has_port && (host == "localhost" || is_ip_address(host));
}

void read_canary(table_reader& in) {
  auto canary = in.read_table("canary");
  if (!canary) return;
  in.report().unsupported(canary->path(), "canary");
  require(*canary, "http", R"(a path such as "/v1/completions")");
  read_path(*canary);
  std::string text;
  canary->read_text("method", text);
  canary->read_text("body", text);
  canary->read_text("expect", text);
  read_time(*canary, "interval", 10ms);
  read_time(*canary, "timeout", 1ms);
  std::int64_t failures = 2;
  read_bounded(*canary, "failures", 1, 1'000, failures);
  canary->finish();
}

void read_progress(table_reader& in) {
  auto progress = in.read_table("progress");
  if (!progress) return;
  in.report().unsupported(progress->path(), "progress");
  require(*progress, "http", R"(a page of metrics such as "/metrics")");
  require(*progress, "in_flight", "a metric that counts the work under way");
  require(*progress, "counter", "a metric that grows while work is done");
  read_path(*progress);
  std::string metric;
  for (const std::string_view key : {"in_flight", "counter"}) {
    if (progress->read_text(key, metric) && metric.empty()) progress->error(key, "expected the name of a metric");
  }
  read_time(*progress, "stall", 1ms);
  progress->finish();
}

constexpr std::array<std::string_view, 4> remedies = {"restart", "migrate", "scale_down", "alert"};

void read_ladder(table_reader& remedy, std::string_view key, bool has_placement) {
  std::vector<std::string> steps;
  if (!remedy.read_texts(key, steps)) return;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    key_path path = remedy.path_of(key);
    path.push_back(std::to_string(i));
    if (std::find(remedies.begin(), remedies.end(), steps[i]) == remedies.end()) {
      const std::string_view nearest = nearest_name(steps[i], remedies);
      remedy.report().error(
          path, nearest.empty() ? fmt::format("expected one of {}", fmt::join(remedies, ", "))
                                : fmt::format("there is no remedy \"{}\": did you mean \"{}\"?", steps[i], nearest));
    } else if (steps[i] == "migrate" && !has_placement) {
      remedy.report().error(path, "there is no placement to migrate to");
    }
  }
}

// Keys are causes; `window` is the only other one.
void read_remedy(table_reader& in) {
  auto remedy = in.read_table("remedy");
  if (!remedy) return;
  in.report().unsupported(remedy->path(), "remedy");
  read_time(*remedy, "window", 1ms);
  for (int number = 0; number <= static_cast<int>(cause::unknown); ++number) {
    read_ladder(*remedy, to_string(static_cast<cause>(number)), in.has("placement"));
  }
  remedy->finish();
}

void read_place(table_reader place) {
  std::map<std::string, std::string> env;
  place.read_text_map("env", env);
  for (const auto& [name, value] : env) {
    key_path path = place.path_of("env");
    path.push_back(name);
    check_placeholders_of(place, path, value);
  }
  std::int64_t port = 1;
  read_bounded(place, "port", 1, 65'535, port);
  std::string cwd;
  if (place.read_text("cwd", cwd)) check_placeholders_of(place, place.path_of("cwd"), cwd);
  std::vector<std::string> argv;
  if (place.read_texts("argv", argv) && argv.empty()) place.error("argv", "expected a program and its arguments");
  for (std::size_t i = 0; i < argv.size(); ++i) {
    key_path path = place.path_of("argv");
    path.push_back(std::to_string(i));
    check_placeholders_of(place, path, argv[i]);
  }
  place.finish();
}

void read_placement(table_reader& in) {
  const document_node* node = in.take("placement");
  if (node == nullptr) return;
  const key_path path = in.path_of("placement");
  if (node->type != kind::array) return in.expected(path, *node, "an array of tables with env, port, cwd or argv");
  if (!node->children.empty()) in.report().unsupported(path, "placement");
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    key_path place = path;
    place.push_back(std::to_string(i));
    in.report().place(place, node->children[i].at);
    if (node->children[i].type == kind::table) {
      read_place(table_reader(in.report(), node->children[i], std::move(place)));
    } else {
      in.expected(place, node->children[i], "a table with env, port, cwd or argv");
    }
  }
}

void read_min_instances(table_reader& in, const service_spec& service) {
  std::int64_t least = 1;
  if (!in.read_integer("min_instances", least)) return;
  const auto count = static_cast<std::int64_t>(service.instances.size());
  if (least < 0 || least > count) {
    in.error("min_instances",
             fmt::format("expected a whole number from 0 to {}, as many as there are instances", count));
  } else if (least != 1) {
    in.report().unsupported(in.path_of("min_instances"), "min_instances");
  }
}

void read_listen(table_reader& in) {
  std::vector<std::string> addresses;
  if (in.read_texts("listen", addresses) && !addresses.empty()) in.report().unsupported(in.path_of("listen"), "listen");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (is_tcp_address(addresses[i])) continue;
    key_path path = in.path_of("listen");
    path.push_back(std::to_string(i));
    in.report().error(path, R"(expected a numeric address and a port, such as "127.0.0.1:8080" or "[::1]:8080")");
  }
  bool reuse_port = false;
  if (in.read_flag("reuse_port", reuse_port) && reuse_port) {
    in.report().unsupported(in.path_of("reuse_port"), "reuse_port");
    if (addresses.empty()) in.error("reuse_port", "there is no listen whose port could be reused");
  }
}

void read_rollout(table_reader& in) {
  auto rollout = in.read_table("rollout");
  if (!rollout) return;
  in.report().unsupported(rollout->path(), "rollout");
  std::int64_t max_unavailable = 1;
  std::int64_t surge = 0;
  read_bounded(*rollout, "max_unavailable", 0, max_instances, max_unavailable);
  read_bounded(*rollout, "surge", 0, max_instances, surge);
  if (max_unavailable == 0 && surge == 0) {
    rollout->error("max_unavailable", "max_unavailable and surge cannot both be 0: nothing could move");
  }
  read_time(*rollout, "min_healthy", 0s);
  read_time(*rollout, "deadline", 1ms);
  bool auto_revert = true;
  rollout->read_flag("auto_revert", auto_revert);
  rollout->finish();
}

// --- groups ------------------------------------------------------------------------------------------------------

void read_intensity(table_reader& group) {
  auto intensity = group.read_table("intensity");
  if (!intensity) return;
  require(*intensity, "restarts", "how many are allowed");
  require(*intensity, "within", "in which time, such as \"60s\"");
  std::int64_t restarts = 1;
  read_bounded(*intensity, "restarts", 0, 1'000'000, restarts);
  read_time(*intensity, "within", 1ms);
  intensity->finish();
}

std::vector<std::string> read_group(table_reader& group) {
  static constexpr std::array<std::string_view, 3> strategies = {"one_for_one", "one_for_all", "rest_for_one"};
  std::vector<std::string> members;
  require(group, "members", "the services or groups it holds");
  if (group.read_texts("members", members) && members.empty()) group.error("members", "expected at least one member");
  std::size_t strategy = 0;
  group.read_choice("strategy", strategies, strategy);
  read_intensity(group);
  group.finish();
  return members;
}

using members_by_group = std::map<std::string, std::vector<std::string>>;

// Groups form trees: each member has one owner, and no group is below itself.
class group_checker {
 public:
  group_checker(file_report& report, const members_by_group& groups, const std::vector<service_spec>& services)
      : report_(report), groups_(groups) {
    for (const service_spec& service : services) services_.push_back(service.name);
    known_.assign(services_.begin(), services_.end());
    for (const auto& [name, members] : groups) known_.push_back(name);
  }

  void check(const key_path& path) {
    const std::string& name = path.back();
    if (std::string fault = name_fault(name); !fault.empty()) report_.error(path, fault);
    if (std::find(services_.begin(), services_.end(), name) != services_.end()) {
      report_.error(path, fmt::format("a group cannot be called like the service \"{}\"", name));
    }
    const std::vector<std::string>& members = groups_.at(name);
    for (std::size_t i = 0; i < members.size(); ++i) check_member(path, i, members[i]);
  }

  /// After every group has been checked, so that all owners are known. A cycle is reported at its first name.
  void check_cycle(const key_path& path) {
    std::vector<std::string> trail = {path.back()};
    for (std::size_t steps = 0; steps <= groups_.size(); ++steps) {
      const auto owner = owner_.find(trail.back());
      if (owner == owner_.end() || owner->second < path.back()) return;
      trail.push_back(owner->second);
      if (owner->second == path.back()) {
        std::reverse(trail.begin(), trail.end());
        return report_.error(with(path, "members"), fmt::format("a cycle: {}", fmt::join(trail, " → ")));
      }
    }
  }

 private:
  static key_path with(key_path path, std::string key) {
    path.push_back(std::move(key));
    return path;
  }

  void check_member(const key_path& group, std::size_t index, const std::string& member) {
    const key_path path = with(with(group, "members"), std::to_string(index));
    if (std::find(known_.begin(), known_.end(), member) == known_.end()) {
      const std::string_view nearest = ++hints_ > most_hints ? std::string_view() : nearest_name(member, known_);
      const std::string hint = nearest.empty() ? "" : fmt::format(": did you mean \"{}\"?", nearest);
      report_.error(path, fmt::format("there is no service or group \"{}\"{}", member, hint));
    } else if (const auto [earlier, fresh] = owner_.emplace(member, group.back()); !fresh) {
      report_.error(path, fmt::format("\"{}\" is already a member of group {}", member, earlier->second));
    }
  }

  static constexpr int most_hints = 16;  // each compares a name with all others

  file_report& report_;
  const members_by_group& groups_;
  std::vector<std::string_view> services_;
  std::vector<std::string_view> known_;
  std::map<std::string, std::string> owner_;
  int hints_ = 0;
};

// --- alerts ------------------------------------------------------------------------------------------------------

void read_alert(table_reader& alert) {
  if (alert.has("webhook") == alert.has("exec")) {
    alert.report().error(alert.path(), "expected one of webhook = \"https://…\" or exec = [\"…\"]");
  }
  std::string url;
  if (alert.read_text("webhook", url)) {
    const bool has_scheme = url.starts_with("https://") || url.starts_with("http://");
    if (!has_scheme || url.find_first_of(" \t\r\n") != std::string::npos) {
      alert.error("webhook", "expected an address that begins with https:// or http://");
    }
  }
  std::vector<std::string> words;
  if (alert.read_texts("exec", words) && words.empty()) alert.error("exec", "expected a program and its arguments");
  std::vector<std::string_view> known(placeholder_names.begin(), placeholder_names.end());
  known.push_back("summary");
  for (std::size_t i = 0; i < words.size(); ++i) {
    key_path path = alert.path_of("exec");
    path.push_back(std::to_string(i));
    check_placeholders_of(alert, path, words[i], known);
  }
  alert.finish();
}

}  // namespace

void read_later_service_features(table_reader& in, const service_spec& service) {
  read_canary(in);
  read_progress(in);
  read_remedy(in);
  read_placement(in);
  read_min_instances(in, service);
  read_listen(in);
  read_rollout(in);
}

void read_drain(table_reader& stop) {
  if (stop.has("drain")) {
    read_time(stop, "drain", 0s);
    stop.report().unsupported(stop.path_of("drain"), "stop.drain");
  } else {
    stop.take("drain");
  }
}

void read_on_exit(table_reader& cluster) {
  static constexpr std::array<std::string_view, 2> choices = {"stop", "leave"};
  std::size_t choice = 0;
  cluster.read_choice("on_exit", choices, choice);
  if (choices[choice] == "leave") cluster.report().unsupported(cluster.path_of("on_exit"), "on_exit = \"leave\"");
}

void read_control(table_reader& cluster, std::vector<std::string>& control) {
  const document_node* node = cluster.take("control");
  if (node == nullptr) return;
  if (node->type == kind::text) {
    control.assign(1, node->text);
  } else if (!cluster.read_texts("control", control)) {
    return;
  }
  if (control.empty()) cluster.error("control", "expected at least \"unix\"");
  for (std::size_t i = 0; i < control.size(); ++i) {
    key_path path = cluster.path_of("control");
    if (node->type == kind::array) path.push_back(std::to_string(i));
    if (control[i] == "unix") continue;
    if (is_tcp_address(control[i])) {
      cluster.report().unsupported(path, "control over TCP");
    } else {
      cluster.report().error(path, "expected \"unix\", or a numeric address and a port such as \"127.0.0.1:7420\"");
    }
  }
}

void read_groups(table_reader groups, const std::vector<service_spec>& services) {
  members_by_group members;
  std::vector<table_reader> tables = groups.read_named_tables();
  if (tables.size() > max_services) {
    return groups.report().error(groups.path(), fmt::format("a cluster has at most {} groups", max_services));
  }
  for (table_reader& table : tables) {
    groups.report().unsupported(table.path(), fmt::format("group.{}", table.path().back()));
    members.emplace(table.path().back(), read_group(table));
  }
  group_checker checker(groups.report(), members, services);
  for (const table_reader& table : tables) checker.check(table.path());
  for (const table_reader& table : tables) checker.check_cycle(table.path());
}

void read_alerts(table_reader alerts) {
  for (table_reader& alert : alerts.read_named_tables()) {
    alerts.report().unsupported(alert.path(), fmt::format("alert.{}", alert.path().back()));
    read_alert(alert);
  }
}

}  // namespace hale
