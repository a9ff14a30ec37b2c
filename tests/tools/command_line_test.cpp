#include "command_line.hpp"

#include <boost/test/unit_test.hpp>

using namespace hale::cli;
using namespace std::chrono_literals;

namespace {

template <class Command>
Command parse(std::vector<std::string> words) {
  const auto line = parse_command_line(std::move(words));
  BOOST_REQUIRE_MESSAGE(line, line.error_or_none().text);
  BOOST_REQUIRE(std::holds_alternative<Command>(line->command));
  return std::get<Command>(line->command);
}

no_command refuse(std::vector<std::string> words) {
  const auto line = parse_command_line(std::move(words));
  BOOST_REQUIRE(!line);
  return line.error();
}

bool mentions(const no_command& refusal, std::string_view text) { return refusal.text.find(text) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(state_and_name_are_taken_before_and_after_the_subcommand) {
  for (const auto& words : {std::vector<std::string>{"--state", "/s", "--name", "n", "status"},
                            std::vector<std::string>{"status", "--state", "/s", "--name", "n"},
                            std::vector<std::string>{"--state=/s", "status", "--name=n"}}) {
    const auto line = parse_command_line(words);
    BOOST_REQUIRE(line);
    BOOST_TEST(line->state_dir == "/s");
    BOOST_TEST(line->cluster_name == "n");
  }
}

BOOST_AUTO_TEST_CASE(run_takes_a_file_or_hale_toml) {
  BOOST_TEST(parse<run_command>({"run"}).file == "");
  BOOST_TEST(parse<run_command>({"run", "a.toml"}).file == "a.toml");
}

BOOST_AUTO_TEST_CASE(run_takes_a_command_after_dashes_with_all_its_own_options) {
  const auto run = parse<run_command>({"run", "--names", "a,b", "--base-port", "8000", "--port-offset", "7", "--health",
                                       "/ok", "--env", "A=1", "--env", "B=x y", "--", "serve", "--count", "3", "--"});
  BOOST_TEST(run.described.command == (std::vector<std::string>{"serve", "--count", "3", "--"}),
             boost::test_tools::per_element());
  BOOST_TEST(run.described.names == (std::vector<std::string>{"a", "b"}), boost::test_tools::per_element());
  BOOST_TEST(run.described.env == (std::vector<std::string>{"A=1", "B=x y"}), boost::test_tools::per_element());
  BOOST_TEST(run.described.base_port.value() == 8000);
  BOOST_TEST(run.described.port_offset.value() == 7);
  BOOST_TEST(!run.described.count.has_value());
  BOOST_TEST(run.described.health == "/ok");
}

BOOST_AUTO_TEST_CASE(run_refuses_what_contradicts_itself) {
  BOOST_TEST(mentions(refuse({"run", "--"}), "no command after --"));
  BOOST_TEST(mentions(refuse({"run", "a.toml", "--", "serve"}), "not both"));
  BOOST_TEST(mentions(refuse({"run", "--count", "2"}), "after --"));
  BOOST_TEST(mentions(refuse({"run", "--count", "two", "--", "x"}), "--count"));
  BOOST_TEST(mentions(refuse({"status", "--", "x"}), "only `hale run`"));
}

BOOST_AUTO_TEST_CASE(steering_needs_names_or_all_and_not_both) {
  BOOST_TEST(parse<steer_command>({"restart", "a", "b"}).names.size() == 2);
  BOOST_TEST(parse<steer_command>({"restart", "--all"}).all);
  BOOST_TEST(!parse<steer_command>({"start", "a", "--no-wait"}).wait);
  BOOST_TEST(mentions(refuse({"stop"}), "--all"));
  BOOST_TEST(mentions(refuse({"stop", "a", "--all"}), "not both"));
}

BOOST_AUTO_TEST_CASE(names_may_be_those_of_subcommands) {
  BOOST_TEST(parse<steer_command>({"stop", "demo", "run"}).names == (std::vector<std::string>{"demo", "run"}),
             boost::test_tools::per_element());
  BOOST_TEST(parse<logs_command>({"logs", "status"}).name == "status");
  BOOST_TEST(parse<heartbeat_command>({"heartbeat", "stop"}).target == "stop");
}

BOOST_AUTO_TEST_CASE(reports_and_durations_are_read) {
  const auto report = parse<report_command>({"report-request", "llama", "120ms", "fail"});
  BOOST_TEST((report.took == 120ms));
  BOOST_TEST(!report.ok);
  BOOST_TEST((parse<demo_command>({"demo"}).length == 60s));
  BOOST_TEST((parse<demo_command>({"demo", "--for", "2m"}).length == 2min));
  BOOST_TEST(mentions(refuse({"report-request", "llama", "fast", "ok"}), "fast"));
  BOOST_TEST(mentions(refuse({"report-request", "llama", "1s", "maybe"}), "maybe"));
  BOOST_TEST(mentions(refuse({"events", "--since", "yesterday"}), "yesterday"));
}

BOOST_AUTO_TEST_CASE(logs_and_events_take_their_options) {
  const auto logs = parse<logs_command>({"logs", "-f", "-n", "5", "llama-1"});
  BOOST_TEST((logs.follow && logs.lines == 5 && logs.name == "llama-1"));
  const auto events = parse<events_command>({"events", "-f", "--json", "--since", "10m"});
  BOOST_TEST((events.follow && events.json && events.since == "10m"));
}

BOOST_AUTO_TEST_CASE(sim_takes_its_options) {
  const auto plain = parse<sim_command>({"sim"});
  BOOST_TEST((plain.file.empty() && plain.seeds == 1 && !plain.options.seed && !plain.options.faults));
  const auto many = parse<sim_command>({"sim", "a.toml", "--seed", "5", "--seeds", "20", "--duration", "30d", "--faults",
                                        "oom,hang", "--quiet-after", "80%", "--timeline", "t.html", "--shrink", "--json"});
  BOOST_TEST((many.file == "a.toml" && many.seeds == 20 && many.timeline == "t.html" && many.shrink && many.json));
  BOOST_TEST((many.options.seed == 5u && many.options.length == 720h && many.options.quiet_after_percent == 80u));
  BOOST_TEST(many.options.faults->size() == 2u);
  const auto one = parse<sim_command>({"sim", "--tape", "x.tape", "--record", "y.tape"});
  BOOST_TEST((one.tape == "x.tape" && one.record == "y.tape"));
}

BOOST_AUTO_TEST_CASE(sim_refuses_what_makes_no_sense) {
  BOOST_TEST(mentions(refuse({"sim", "--seed", "x"}), "--seed takes a whole number, not 'x'"));
  BOOST_TEST(mentions(refuse({"sim", "--seeds", "0"}), "--seeds"));
  BOOST_TEST(mentions(refuse({"sim", "--duration", "0s"}), "--duration"));
  BOOST_TEST(mentions(refuse({"sim", "--faults", "oon"}), "did you mean `oom`?"));
  BOOST_TEST(mentions(refuse({"sim", "--quiet-after", "100%"}), "--quiet-after"));
  BOOST_TEST(mentions(refuse({"sim", "--tape", "a", "--seed", "1"}), "--tape"));
  BOOST_TEST(mentions(refuse({"sim", "--seeds", "2", "--record", "a"}), "--record"));
  BOOST_TEST(mentions(refuse({"sim", "--sede", "1"}), "did you mean `--seed`?"));
}

BOOST_AUTO_TEST_CASE(sim_lists_the_faults) {
  BOOST_TEST(refuse({"sim", "--faults", "help"}).exit_code == exit_done);
  BOOST_TEST(mentions(refuse({"sim", "--faults", "help"}), "port-thief"));
  BOOST_TEST(mentions(refuse({"sim", "--help"}), "port-thief"));
}

BOOST_AUTO_TEST_CASE(a_slip_is_told_the_nearest_name) {
  BOOST_TEST(mentions(refuse({"statsu"}), "did you mean `status`?"));
  BOOST_TEST(mentions(refuse({"status", "--jsno"}), "did you mean `--json`?"));
  BOOST_TEST(mentions(refuse({"status", "--stat", "/x"}), "did you mean `--state`?"));
  BOOST_TEST(mentions(refuse({"status", "extra"}), "unexpected argument 'extra'"));
}

BOOST_AUTO_TEST_CASE(what_comes_later_says_so) {
  for (const char* later : {"cluster", "reload", "explain", "upgrade"}) {
    const no_command refusal = refuse({later, "--any", "thing"});
    BOOST_TEST(refusal.exit_code == exit_usage);
    BOOST_TEST(mentions(refusal, "not supported yet by this version"));
  }
  BOOST_TEST(mentions(refuse({"restart", "--rolling", "llama"}), "not supported yet by this version"));
  BOOST_TEST(!mentions(refuse({"--help"}), "upgrade"));
}

BOOST_AUTO_TEST_CASE(help_and_version_are_no_mistakes) {
  BOOST_TEST(refuse({"--help"}).exit_code == exit_done);
  BOOST_TEST(refuse({"run", "--help"}).exit_code == exit_done);
  BOOST_TEST(mentions(refuse({"run", "--help"}), "--base-port"));
  BOOST_TEST(refuse({"--version"}).text.starts_with("hale "));
  BOOST_TEST(refuse({}).exit_code == exit_usage);
}

BOOST_AUTO_TEST_SUITE_END()
