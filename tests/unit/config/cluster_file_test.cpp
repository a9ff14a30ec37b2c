#include "hale/config/cluster_file.hpp"

#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "hale/base/text.hpp"
#include "support/source_directory.hpp"

using namespace std::chrono_literals;

namespace {

// The file of behaviour section 11, with the database its group speaks of.
constexpr std::string_view whole_example = R"toml([cluster]
name = "models"                   # default: the file's stem
state_dir = "/var/lib/hale/models"
control = ["unix", "127.0.0.1:7420"]   # or one string; default "unix"
start_concurrency = 2
on_exit = "stop"                  # or "leave"

[service.db]
command = ["postgres"]

[service.llama]
preset = "ollama"
command = ["ollama", "serve"]
env = { OLLAMA_HOST = "127.0.0.1:{port}" }
names = ["llama3.1:8b", "mistral:7b", "codellama:13b"]   # or instances = 3
base_port = 11434
port_offset = 100
stagger = "2s"
after = []
needs = []

start    = { stall = "120s", timeout = "20m" }
health   = { http = "/api/tags", interval = "5s", timeout = "3s", failures = 3 }
canary   = { http = "/v1/completions", body = '{"prompt":"hello","max_tokens":1}', expect = "…", interval = "60s", timeout = "30s", failures = 2 }
heartbeat = { expected = "15s", drift = "5s" }
errors   = { degraded = 0.1, unhealthy = 0.5 }
progress = { http = "/metrics", in_flight = "llamacpp:requests_processing", counter = "llamacpp:tokens_predicted_total", stall = "60s" }
memory   = { soft = "6GiB", hard = "8GiB", limit = "9GiB" }
restart  = { policy = "always", base = "500ms", cap = "30s", jitter = 0.25, attempts = 5, reset_after = "60s", cool = "5m" }
remedy   = { oom_killed = ["restart", "migrate", "scale_down", "alert"], window = "10m" }
placement = [ { env = { CUDA_VISIBLE_DEVICES = "0" } }, { env = { CUDA_VISIBLE_DEVICES = "1" } } ]
min_instances = 1
logs     = { size = "10MiB", keep = 5 }
listen   = ["127.0.0.1:8080"]
stop     = { signal = "TERM", timeout = "10s", drain = "10s", diagnostic_signal = "ABRT" }
rollout  = { max_unavailable = 1, surge = 0, min_healthy = "10s", deadline = "20m", auto_revert = true }

[group.backend]
members = ["db", "llama"]
strategy = "one_for_one"
intensity = { restarts = 10, within = "60s" }

[alert.ops]
webhook = "https://example.org/hook"
)toml";

hale::cluster_spec parsed(const std::string& text, std::string file = "models.toml") {
  const auto outcome = hale::parse_cluster(text, std::move(file));
  for (const auto& error : outcome.errors) BOOST_ERROR(to_string(error));
  BOOST_TEST_REQUIRE(outcome.spec.has_value());
  return *outcome.spec;
}

hale::service_spec service_with(const std::string& keys) {
  return parsed("[service.a]\ncommand = [\"x\"]\n" + keys).services.at(0);
}

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto& error : hale::parse_cluster(text, "f").errors) lines.push_back(to_string(error));
  return lines;
}

std::vector<std::uint16_t> ports_of(const hale::service_spec& service) {
  std::vector<std::uint16_t> ports;
  for (const auto& each : service.instances) ports.push_back(each.port);
  return ports;
}

std::vector<std::string> names_of(const hale::service_spec& service) {
  std::vector<std::string> names;
  for (const auto& each : service.instances) names.push_back(each.name);
  return names;
}

using ports = std::vector<std::uint16_t>;
using names = std::vector<std::string>;

}  // namespace

BOOST_AUTO_TEST_CASE(the_whole_example_is_read_and_what_comes_later_is_noted) {
  const auto outcome = hale::parse_cluster(whole_example, "/etc/hale/file.toml");
  for (const auto& error : outcome.errors) BOOST_ERROR(to_string(error));
  BOOST_TEST_REQUIRE(outcome.spec.has_value());
  BOOST_TEST(outcome.warnings.empty());

  names later;
  for (const auto& feature : outcome.unsupported) later.push_back(feature.key);
  const names expected = {"control over TCP", "canary",     "progress",      "remedy",   "placement", "listen",
                          "stop.drain",       "rollout",    "group.backend", "alert.ops"};
  BOOST_TEST(later == expected, boost::test_tools::per_element());
  BOOST_TEST(to_string(outcome.unsupported[1]) ==
             "/etc/hale/file.toml:24:12: canary is not supported yet by this version");

  const hale::cluster_spec& spec = *outcome.spec;
  BOOST_TEST(spec.name == "models");
  BOOST_TEST(spec.state_dir == "/var/lib/hale/models");
  BOOST_TEST(spec.start_concurrency == 2u);
  BOOST_TEST_REQUIRE(spec.services.size() == 2u);
  BOOST_TEST(spec.services[0].name == "db");
  const hale::service_spec& llama = spec.services[1];
  BOOST_TEST(names_of(llama) == (names{"llama3.1:8b", "mistral:7b", "codellama:13b"}),
             boost::test_tools::per_element());
  BOOST_TEST(ports_of(llama) == (ports{11534, 11634, 11734}), boost::test_tools::per_element());
  BOOST_TEST(llama.base_port == 11434);
  BOOST_TEST(llama.env.at("OLLAMA_HOST") == "127.0.0.1:{port}");
  BOOST_TEST(llama.health->path == "/api/tags");
  BOOST_TEST(llama.stop.diagnostic_signal == 6);
  BOOST_TEST(*llama.memory.limit_bytes == 9ull << 30);
}

BOOST_AUTO_TEST_CASE(what_is_not_written_keeps_the_defaults_of_the_spec) {
  const hale::cluster_spec spec = parsed("[service.a]\ncommand = [\"x\"]\n");
  hale::cluster_spec expected;
  expected.name = "models";
  expected.services.emplace_back();
  expected.services[0].name = "a";
  expected.services[0].command = {"x"};
  expected.services[0].instances.resize(1);
  expected.services[0].instances[0].name = "a";
  BOOST_TEST((spec == expected));
}

BOOST_AUTO_TEST_CASE(a_cluster_without_a_name_is_called_like_its_file) {
  const std::string text = "[service.a]\ncommand = [\"x\"]\n";
  BOOST_TEST(parsed(text, "hale.toml").name == "hale");
  BOOST_TEST(parsed(text, "/etc/hale/my models.v2.toml").name == "my-models.v2");
  BOOST_TEST(parsed(text, "models").name == "models");
  BOOST_TEST(parsed(text, ".toml").name == "hale");
  BOOST_TEST(parsed(text, "").name == "hale");
}

BOOST_AUTO_TEST_CASE(every_key_of_the_cluster_is_read) {
  const hale::cluster_spec spec = parsed(
      "[cluster]\nname = \"m\"\nstate_dir = \"/s\"\ncontrol = \"unix\"\nstart_concurrency = 7\non_exit = \"stop\"\n"
      "[service.a]\ncommand = [\"x\"]\n");
  BOOST_TEST(spec.name == "m");
  BOOST_TEST(spec.state_dir == "/s");
  BOOST_TEST(spec.control == names{"unix"}, boost::test_tools::per_element());
  BOOST_TEST(spec.start_concurrency == 7u);
}

BOOST_AUTO_TEST_CASE(every_key_of_a_service_is_read) {
  using check = std::function<bool(const hale::service_spec&)>;
  using kind = hale::probe_spec::kind;
  const std::pair<std::string, check> cases[] = {
      {"env = { A = \"b\", \"c.d\" = \"\" }", [](auto& s) { return s.env.at("A") == "b" && s.env.at("c.d").empty(); }},
      {"cwd = \"/srv/{name}\"", [](auto& s) { return s.cwd == "/srv/{name}"; }},
      {"names = [\"p\", \"q\"]",
       [](auto& s) {
         return names_of(s) == names{"p", "q"};
       }},
      {"instances = 2",
       [](auto& s) {
         return names_of(s) == names{"a-1", "a-2"};
       }},
      {"names = [\"a\"]", [](auto& s) { return names_of(s) == names{"a"}; }},
      {"base_port = 100\ninstances = 2",
       [](auto& s) {
         return ports_of(s) == ports{110, 120} && s.base_port == 100;
       }},
      {"base_port = 100\nport_offset = 0", [](auto& s) { return ports_of(s) == ports{100}; }},
      {"base_port = 65525", [](auto& s) { return ports_of(s) == ports{65535}; }},
      {"ports = [7, 3]\ninstances = 2",
       [](auto& s) {
         return ports_of(s) == ports{7, 3} && s.base_port == 0;
       }},
      {"stagger = \"2s\"", [](auto& s) { return s.stagger == 2s; }},
      {"start = { stall = \"7s\", timeout = \"8m\" }",
       [](auto& s) { return s.start.stall == 7s && s.start.timeout == 8min; }},
      {"health = { tcp = true, port = 80 }",
       [](auto& s) { return s.health->type == kind::tcp && s.health->port == "80"; }},
      {"health = { http = \"/x\", port = 80 }",
       [](auto& s) { return s.health->type == kind::http && s.health->path == "/x"; }},
      {"health = { exec = [\"c\", \"{name}\"] }",
       [](auto& s) {
         return s.health->type == kind::exec && s.health->exec_argv == names{"c", "{name}"};
       }},
      {"base_port = 9\nhealth = { tcp = true, port = \"{base_port}\", host = \"::1\" }",
       [](auto& s) { return s.health->port == "{base_port}" && s.health->host == "::1"; }},
      {"health = { http = \"/\", port = 1, method = \"HEAD\", headers = { A = \"b\" }, status = [200, 404], body = "
       "\"ok\" }",
       [](auto& s) {
         return s.health->method == "HEAD" && s.health->headers.at("A") == "b" &&
                s.health->status == std::vector<int>{200, 404} && s.health->body_contains == "ok";
       }},
      {"health = { http = \"/\", port = 1, status = 204 }",
       [](auto& s) { return s.health->status == std::vector<int>{204}; }},
      {"health = { tcp = true, port = 1, interval = \"9s\", timeout = \"4s\", failures = 6 }",
       [](auto& s) { return s.health->interval == 9s && s.health->timeout == 4s && s.health->failures == 6; }},
      {"heartbeat = { expected = \"4s\", drift = \"8s\" }",
       [](auto& s) { return s.heartbeat->expected == 4s && s.heartbeat->drift == 8s; }},
      {"heartbeat = {}", [](auto& s) { return s.heartbeat == hale::heartbeat_spec(); }},
      {"errors = { degraded = 0, unhealthy = 1 }",
       [](auto& s) { return s.errors.degraded == 0 && s.errors.unhealthy == 1; }},
      {"memory = { soft = \"1GiB\", hard = \"1GiB\", limit = \"2GiB\" }",
       [](auto& s) {
         return s.memory.soft_bytes == 1u << 30 && s.memory.hard_bytes == 1u << 30 && s.memory.limit_bytes == 1u << 31;
       }},
      {"restart = { policy = \"on-failure\", base = \"1s\", cap = \"2s\", jitter = 0.125 }",
       [](auto& s) {
         return s.restart.policy == hale::restart_when::on_failure && s.restart.backoff.base == 1s &&
                s.restart.backoff.cap == 2s && s.restart.backoff.jitter_permille == 125;
       }},
      {"restart = { policy = \"never\", attempts = 0, reset_after = \"3s\", cool = \"0s\" }",
       [](auto& s) {
         return s.restart.policy == hale::restart_when::never && s.restart.attempts == 0 &&
                s.restart.reset_after == 3s && s.restart.cool == 0s;
       }},
      {"stop = { signal = \"INT\", timeout = \"1s\", diagnostic_signal = \"SIGQUIT\" }",
       [](auto& s) { return s.stop.signal == 2 && s.stop.timeout == 1s && s.stop.diagnostic_signal == 3; }},
      {"stop = { signal = 10 }", [](auto& s) { return s.stop.signal == 10 && s.stop.diagnostic_signal == 0; }},
      {"logs = { size = \"1MiB\", keep = 2 }",
       [](auto& s) { return s.logs.size_bytes == 1u << 20 && s.logs.keep == 2; }},
  };
  for (const auto& [keys, holds] : cases) {
    BOOST_TEST_CONTEXT(keys) { BOOST_TEST(holds(service_with(keys))); }
  }
}

BOOST_AUTO_TEST_CASE(after_and_needs_name_other_services) {
  const hale::cluster_spec spec = parsed(
      "[service.a]\ncommand = [\"x\"]\nafter = [\"c\"]\nneeds = [\"b\", \"c\"]\n"
      "[service.b]\ncommand = [\"x\"]\n[service.c]\ncommand = [\"x\"]\n");
  BOOST_TEST(spec.services[0].after == names{"c"}, boost::test_tools::per_element());
  BOOST_TEST(spec.services[0].needs == (names{"b", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(services_keep_the_order_of_the_file) {
  const hale::cluster_spec spec = parsed(
      "[service.zeta]\ncommand = [\"x\"]\n[service.alpha]\ncommand = [\"x\"]\n[service]\nmid.command = [\"x\"]\n");
  BOOST_TEST(spec.services[0].name == "zeta");
  BOOST_TEST(spec.services[1].name == "alpha");
  BOOST_TEST(spec.services[2].name == "mid");
}

BOOST_AUTO_TEST_CASE(a_command_for_the_shell_is_one_text) {
  const hale::service_spec service = parsed("[service.a]\nshell = true\ncommand = \"exec x | y\"\n").services[0];
  BOOST_TEST(service.shell);
  BOOST_TEST(service.command == names{"exec x | y"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_preset_fills_in_what_the_file_leaves_out) {
  const hale::service_spec service = service_with(
      "preset = \"llama-server\"\nports = [8080]\nhealth = { interval = \"9s\" }\nenv = { A = \"b\" }\n"
      "stop = { signal = \"INT\" }\n");
  BOOST_TEST(service.health->path == "/health");
  BOOST_TEST((service.health->interval == 9s));
  BOOST_TEST((service.health->timeout == 3s));
  BOOST_TEST(service.env.at("GGML_NO_BACKTRACE") == "1");
  BOOST_TEST(service.env.at("A") == "b");
  BOOST_TEST(service.stop.signal == 2);
  BOOST_TEST((service.stop.timeout == 10s));
  BOOST_TEST(service_with("preset = \"llama-server\"\nports = [1]\nenv = { GGML_NO_BACKTRACE = \"0\" }")
                 .env.at("GGML_NO_BACKTRACE") == "0");
}

BOOST_AUTO_TEST_CASE(a_health_probe_of_ones_own_replaces_the_presets_start_probe_too) {
  const auto tuned = service_with("preset = \"triton\"\nports = [1]\nhealth = { host = \"::1\", timeout = \"9s\" }");
  BOOST_TEST(tuned.start_probe->path == "/v2/health/ready");
  BOOST_TEST(tuned.start_probe->host == "::1");
  BOOST_TEST((tuned.start_probe->timeout == 9s));
  const auto own = service_with("preset = \"triton\"\nports = [1]\nhealth = { http = \"/mine\" }");
  BOOST_TEST(own.health->path == "/mine");
  BOOST_TEST(!own.start_probe.has_value());
}

BOOST_AUTO_TEST_CASE(ten_mistakes_are_ten_errors_in_the_order_of_the_file) {
  const auto errors = errors_of(R"([cluster]
start_concurrency = 0
on_exit = "maybe"
[service.a]
command = "x"
port_offset = 3
health = { http = "x", interval = 5, port = 1 }
[service.b]
comand = ["x"]
needs = ["c"]
memory = { soft = "2GiB", hard = "1GiB" }
)");
  const names expected = {
      "f:2:21: start_concurrency: expected a whole number from 1 to 10000",
      "f:3:11: on_exit: expected one of \"stop\", \"leave\", found \"maybe\"",
      "f:5:11: command: expected an array of words, found \"x\"; write [\"x\"], or set shell = true",
      "f:6:15: port_offset: there is no base_port to count from",
      "f:7:19: health.http: expected a path that begins with /; host and port have keys of their own",
      "f:7:35: health.interval: expected a duration such as \"500ms\", \"30s\" or \"1m30s\", found 5; it has no unit: "
      "write "
      "\"5s\"",
      "f:8:1: command: expected the program and its arguments, such as [\"ollama\", \"serve\"]",
      "f:9:1: comand: unknown key: did you mean \"command\"?",
      "f:10:10: needs[0]: there is no service \"c\"",
      "f:11:19: memory.soft: 2GiB is above hard (1GiB)"};
  BOOST_TEST(errors == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(columns_count_characters) {
  BOOST_TEST(errors_of("[service.a]\ncommand = [\"ünï\", 5]\n").at(0) ==
             "f:2:19: command[1]: expected a string, found 5; write \"5\"");
}

BOOST_AUTO_TEST_CASE(hostile_texts_are_errors_and_nothing_worse) {
  std::string deep = "[service";
  for (int i = 0; i < 400'000; ++i) deep += ".a";
  BOOST_TEST(errors_of(deep + "]\n").at(0) == "f:1:1: more than 64 dots in one line");
  std::string long_string = "[service.a]\ncommand = [\"" + std::string(100'000, '.') + "\"]\n";
  BOOST_TEST(errors_of(long_string).empty());
  BOOST_TEST(errors_of(std::string(2 << 20, '#')).at(0) == "f:1:1: the file is larger than 1048576 bytes");
  BOOST_TEST(!errors_of("a = " + std::string(100'000, '[')).empty());
  BOOST_TEST(!errors_of("\xff\xfe[service.a]").empty());
  BOOST_TEST(!errors_of(std::string_view("\0", 1)).empty());

  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "[service.s" + std::to_string(i) + "]\ncommand=[\"x\"]\ninstances=10000\n";
  BOOST_TEST(errors_of(many).size() >= 1'000u);
}

BOOST_AUTO_TEST_CASE(strings_of_every_kind_may_hold_many_dots) {
  const std::string dots(100, '.');
  const std::string text = "# " + dots + "\n[service.a]\ncommand = ['" + dots + "', \"\\\"" + dots + "\", \"\"\"a\"\"" +
                           dots + "\n" + dots + "\"\"\"\"\"\n, '''" + dots + "\n" + dots + "''', \"" + dots + "\"]\n";
  BOOST_TEST(errors_of(text).empty());
}

BOOST_AUTO_TEST_CASE(only_the_first_of_many_unknown_members_are_compared_with_all_others) {
  std::string text = "[service.database]\ncommand = [\"x\"]\n[group.g]\nmembers = [\n";
  for (int i = 0; i < 100; ++i) text += "\"databse\",\n";
  const auto lines = errors_of(text + "]\n");
  BOOST_TEST(lines.size() == 100u);
  const std::string unknown = "members[15]: there is no service or group \"databse\"";
  BOOST_TEST(lines[15] == "f:20:1: " + unknown + ": did you mean \"database\"?");
  BOOST_TEST(lines[16] == "f:21:1: members[16]: there is no service or group \"databse\"");
}

RC_BOOST_PROP(no_mutation_of_the_example_makes_the_reader_crash, ()) {
  std::string text(whole_example);
  const int edits = *rc::gen::inRange(1, 8);
  for (int i = 0; i < edits; ++i) {
    const auto at = static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(text.size())));
    const auto length = static_cast<std::size_t>(*rc::gen::inRange(0, 12));
    const auto with =
        *rc::gen::element<std::string>("", "\"", "[", "]", "{", "}", "=", "\n", ".", "0", "-1", "9999999999", "nan",
                                       "true", "'", "#", "{port}", "\\", "\xff", " ", ",", "[service.x]\n");
    text.replace(at, length, with);
  }
  const auto outcome = hale::parse_cluster(text, "f");
  RC_ASSERT(outcome.spec.has_value() == outcome.errors.empty());
  const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const auto& error : outcome.errors) {
    RC_ASSERT(error.line >= 1u);
    RC_ASSERT(error.line <= lines);
    RC_ASSERT(error.column >= 1u);
    RC_ASSERT(!error.message.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_example_files_are_accepted_and_use_only_what_works) {
  const auto folder = hale::test::source_directory() / "tools/examples";
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const auto outcome = hale::parse_cluster(text.str(), entry.path().filename().string());
    for (const auto& error : outcome.errors) BOOST_ERROR(to_string(error));
    for (const auto& warning : outcome.warnings) BOOST_ERROR(to_string(warning));
    for (const auto& feature : outcome.unsupported) BOOST_ERROR(to_string(feature));
    BOOST_TEST(outcome.spec.has_value());
    ++files;
  }
  BOOST_TEST(files >= 3u);
}
