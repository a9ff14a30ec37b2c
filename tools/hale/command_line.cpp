#include "command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "hale/base/text.hpp"
#include "hale/base/version.hpp"

namespace hale::cli {
namespace {

constexpr std::array<std::string_view, 4> later_subcommands = {"cluster", "explain", "reload", "upgrade"};

no_command mistake(std::string what) { return {exit_usage, fmt::format("hale: {}\n", what)}; }

std::optional<no_command> check_since(const std::string& since) {
  if (since.empty() || parse_duration(since) || parse_rfc3339(since)) return std::nullopt;
  return mistake(fmt::format(
      "--since takes a duration such as 10m or a time such as 2026-11-21T20:00:00Z, not '{}'", since));
}

std::vector<std::string> split_names(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    names.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return names;
}

// One parse: the options that CLI11 fills in, and what becomes of them.
class parser {
 public:
  parser() : app_("Keeps clusters of local model servers alive, and says why they were not.", "hale") {
    app_.set_version_flag("--version", "hale " HALE_VERSION);
    app_.add_option("--state", line_.state_dir, "The cluster's state directory")->type_name("DIR");
    app_.add_option("--name", line_.cluster_name, "The cluster's name")->type_name("NAME");
    add_run();
    add_steering();
    add_watching();
    add_reporting();
    add_sim();
    add_rest();
    for (CLI::App* sub : app_.get_subcommands({})) sub->fallthrough();
    app_.require_subcommand(0, 1);  // a second one is a name: instances may be called like subcommands
  }

  result<command_line, no_command> parse(std::vector<std::string> arguments) {
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    const bool dashed = dashes != arguments.end();
    if (dashed) run_.described.command.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(arguments);
    } catch (const CLI::CallForHelp&) {
      return no_command{exit_done, app_.help()};
    } catch (const CLI::CallForAllHelp&) {
      return no_command{exit_done, app_.help("", CLI::AppFormatMode::All)};
    } catch (const CLI::CallForVersion&) {
      return no_command{exit_done, "hale " HALE_VERSION "\n"};
    } catch (const CLI::ExtrasError&) {
      return explain_extras();
    } catch (const CLI::ParseError& error) {
      return mistake(fmt::format("{}; see `hale {}--help`", error.what(), chosen_prefix()));
    }
    if (app_.get_subcommands().empty()) return no_command{exit_usage, app_.help()};
    return finish(dashed);
  }

 private:
  CLI::App* chosen() const {
    const auto subs = app_.get_subcommands();
    return subs.empty() ? nullptr : subs.front();
  }
  std::string chosen_prefix() const { return chosen() == nullptr ? "" : chosen()->get_name() + " "; }

  void add_run() {
    hale::command_line& described = run_.described;
    CLI::App* run = app_.add_subcommand("run", "Start a cluster and keep it alive, in the foreground");
    run->footer("Without a file: hale run [OPTIONS] -- COMMAND...\n");
    run->add_option("FILE", run_.file, "The cluster file (default: hale.toml)")->type_name("");
    run->add_option("--count", described.count, "How many instances of COMMAND")->type_name("N");
    run->add_option("--names", names_, "Names of the instances, one each")->type_name("A,B,...");
    run->add_option("--base-port", described.base_port, "Instance i (from 0) gets base + (i + 1) x offset")
        ->type_name("PORT");
    run->add_option("--port-offset", described.port_offset, "The step between ports (default: 10)")->type_name("K");
    run->add_option("--health", described.health, "The HTTP path that answers 200 when all is well")->type_name("PATH");
    run->add_option("--env", described.env, "Environment of the instances; may be given again")
        ->allow_extra_args(false)->type_name("NAME=VALUE");
    CLI::App* check = app_.add_subcommand("check", "Say what is wrong with a cluster file");
    check->add_option("FILE", check_.file, "The cluster file (default: hale.toml)")->type_name("");
  }

  void add_steering() {
    for (const char* verb : {"start", "stop", "restart"}) {
      const std::string what = std::string(verb) + " instances or services";
      const char capital = static_cast<char>(verb[0] - 'a' + 'A');
      CLI::App* sub = app_.add_subcommand(verb, capital + what.substr(1));
      sub->add_option("NAME", steer_.names, "Instances or services");
      sub->add_flag("--all", steer_.all, "Every service");
      if (std::string_view(verb) != "stop") sub->add_flag("--no-wait", no_wait_, "Return at once");
    }
  }

  void add_watching() {
    CLI::App* status = app_.add_subcommand("status", "Show every instance and what is wrong with it");
    status->add_flag("--json", status_.json, "One JSON object");
    status->add_flag("--watch", status_.watch, "Until interrupted, again each second");
    CLI::App* logs = app_.add_subcommand("logs", "Show what instances print");
    logs->add_option("NAME", logs_.name, "An instance or a service (default: all)");
    logs->add_option("-n", logs_.lines, "The newest N lines of each (default: 50)")
        ->check(CLI::Range(0, 1000000))->type_name("N");
    logs->add_flag("-f", logs_.follow, "Go on as lines arrive");
    CLI::App* events = app_.add_subcommand("events", "Show what happened and why");
    events->add_flag("-f", events_.follow, "Go on as events happen");
    events->add_option("--since", events_.since, "10m, or a time such as 2026-11-21T20:00:00Z")->type_name("T");
    events->add_flag("--json", events_.json, "One JSON object per line");
  }

  void add_reporting() {
    CLI::App* heartbeat = app_.add_subcommand("heartbeat", "Say that an instance is alive");
    heartbeat->add_option("TARGET", heartbeat_.target, "An instance or a port")->required();
    CLI::App* report = app_.add_subcommand("report-request", "Report one request that an instance served");
    report->add_option("NAME", report_.name, "The instance")->required();
    report->add_option("DURATION", took_, "How long it took, as in 120ms")->required();
    report->add_option("OUTCOME", outcome_, "ok or fail")->required()->check(CLI::IsMember({"ok", "fail"}));
  }

  void add_sim() {
    CLI::App* sim = app_.add_subcommand("sim", "Put a cluster file through chaos in simulated time");
    sim->add_option("FILE", sim_.file, "The cluster file (default: hale.toml)")->type_name("");
    sim->add_option("--seed", seed_, "Which run; the same seed, the same run (default: 1)")->type_name("S");
    sim->add_option("--seeds", seeds_, "So many runs, from --seed on, on all processors")->type_name("N");
    sim->add_option("--duration", length_, "Simulated time of each run, as in 30d (default: 1h)")
        ->type_name("DURATION");
    sim->add_option("--faults", faults_, "Only these, as in oom,hang; none; or help, which lists them")
        ->type_name("NAME,...");
    sim->add_option("--quiet-after", quiet_after_, "When chaos ends (default: 90% of the duration)")
        ->type_name("PERCENT");
    sim->add_option("--timeline", sim_.timeline, "Write a picture of the run, of the first that failed with --seeds")
        ->type_name("FILE.html");
    sim->add_option("--tape", sim_.tape, "Repeat what a tape recorded; an empty file is a run without any trouble")
        ->type_name("TAPE");
    sim->add_option("--record", sim_.record, "Write the tape, also when nothing fails")->type_name("TAPE");
    sim->add_flag("--shrink", sim_.shrink, "Make the tape of a failing run as small as it can be");
    sim->add_flag("--json", sim_.json, "One JSON object");
    sim->footer("A failing run writes its tape to FILE.seed-S.tape and says how to repeat it. Exit codes: 0 every\n"
                "promise was kept, 1 one was broken, 2 usage, 130 interrupted.\n\n" + fault_table());
  }

  void add_rest() {
    CLI::App* demo = app_.add_subcommand("demo", "Watch three model servers fail in every way, and be healed");
    demo->add_option("--for", length_, "How long (default: 60s)")->type_name("DURATION");
    CLI::App* completion = app_.add_subcommand("completion", "Print a completion script");
    completion->add_option("SHELL", completion_.shell, "bash, zsh or fish")
        ->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  }

  // Something was typed that nobody takes: name the nearest thing that somebody would.
  no_command explain_extras() const {
    const std::vector<std::string> extras = app_.remaining(true);
    const auto word = std::find_if(extras.begin(), extras.end(), [](const std::string& text) {
      return !text.starts_with('-');
    });
    if (chosen() == nullptr && word != extras.end()) return unknown_subcommand(*word);
    if (chosen() != nullptr && chosen()->get_name() == "restart" && extras.front() == "--rolling") {
      return mistake("restart --rolling is not supported yet by this version");
    }
    if (extras.front()[0] == '-') return unknown_option(extras.front());
    return mistake(fmt::format("unexpected argument '{}'; see `hale {}--help`", extras.front(), chosen_prefix()));
  }

  no_command unknown_subcommand(const std::string& word) const {
    if (std::find(later_subcommands.begin(), later_subcommands.end(), word) != later_subcommands.end()) {
      return mistake(fmt::format("{} is not supported yet by this version", word));
    }
    std::vector<std::string> names;
    for (const CLI::App* sub : app_.get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(sub->get_name());
    }
    return unknown("subcommand", word, names);
  }

  no_command unknown_option(const std::string& typed) const {
    std::vector<std::string> names;
    for (const CLI::App* app : {chosen(), static_cast<CLI::App*>(nullptr), const_cast<CLI::App*>(&app_)}) {
      if (app == nullptr) continue;
      for (const CLI::Option* option : app->get_options()) {
        if (!option->get_positional()) names.push_back(option->get_name());
      }
    }
    return unknown("option", typed.substr(0, typed.find('=')), names);
  }

  no_command unknown(std::string_view what, const std::string& typed, const std::vector<std::string>& known) const {
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    const std::string_view near = nearest_name(typed, candidates);
    if (near.empty()) return mistake(fmt::format("unknown {} '{}'; see `hale {}--help`", what, typed, chosen_prefix()));
    return mistake(fmt::format("unknown {} '{}'; did you mean `{}`?", what, typed, near));
  }

  result<command_line, no_command> finish(bool dashed) {
    const std::string verb = chosen()->get_name();
    if (dashed && verb != "run") return mistake("only `hale run` takes a command after --");
    if (verb == "run") return finish_run(dashed);
    if (verb == "check") return with(check_);
    if (verb == "sim") return finish_sim();
    if (verb == "status") return with(status_);
    if (verb == "logs") return with(logs_);
    if (verb == "heartbeat") return with(heartbeat_);
    if (verb == "completion") return with(completion_);
    if (verb == "events") {
      if (auto wrong = check_since(events_.since)) return *wrong;
      return with(events_);
    }
    if (verb == "report-request") {
      report_.ok = outcome_ == "ok";
      return with_duration(report_, report_.took, took_);
    }
    if (verb == "demo") return with_duration(demo_, demo_.length, length_);
    return finish_steering(verb);
  }

  result<command_line, no_command> finish_run(bool dashed) {
    hale::command_line& described = run_.described;
    if (dashed && described.command.empty()) return mistake("no command after --");
    if (dashed && !run_.file.empty()) return mistake("give a cluster file or a command after --, not both");
    if (!names_.empty()) described.names = split_names(names_);
    const bool shaped = described.count || !names_.empty() || described.base_port || described.port_offset ||
                        !described.health.empty() || !described.env.empty();
    if (!dashed && shaped) {
      return mistake("--count, --names, --base-port, --port-offset, --health and --env describe a command after --; "
                     "with a cluster file, say it in the file");
    }
    return with(run_);
  }

  // Reads one option's value; what is wrong with it, if anything.
  template <class T, class Parse>
  static std::string read_option(const std::string& text, Parse parse, T& into) {
    if (text.empty()) return "";
    auto value = parse(text);
    if (!value) return value.error();
    into = std::move(*value);
    return "";
  }

  result<command_line, no_command> finish_sim() {
    if (faults_ == "help") return no_command{exit_done, fault_table()};
    sim_options& options = sim_.options;
    for (const std::string& wrong :
         {read_option(seed_, parse_seed, options.seed), read_option(seeds_, parse_seed_count, sim_.seeds),
          read_option(length_, parse_length, options.length), read_option(faults_, parse_faults, options.faults),
          read_option(quiet_after_, parse_quiet_after, options.quiet_after_percent)}) {
      if (!wrong.empty()) return mistake(wrong);
    }
    if (!sim_.tape.empty() && (!seed_.empty() || !seeds_.empty())) {
      return mistake("--tape repeats one run; --seed and --seeds make others");
    }
    if (sim_.seeds > 1 && !sim_.record.empty()) {
      return mistake("--record keeps the tape of one run; with --seeds, those that fail are kept anyway");
    }
    return with(sim_);
  }

  result<command_line, no_command> finish_steering(const std::string& verb) {
    steer_.verb = verb;
    steer_.wait = !no_wait_;
    if (steer_.all && !steer_.names.empty()) return mistake("give names or --all, not both");
    if (!steer_.all && steer_.names.empty()) {
      return mistake(fmt::format("{} what? Name instances or services, or say --all", verb));
    }
    return with(steer_);
  }

  template <class Command>
  result<command_line, no_command> with(Command& command) {
    line_.command = std::move(command);
    return std::move(line_);
  }

  template <class Command>
  result<command_line, no_command> with_duration(Command& command, duration& into, const std::string& text) {
    if (!text.empty()) {
      const auto parsed = parse_duration(text);
      if (!parsed) return mistake(fmt::format("'{}' is no duration; write 120ms, 5s or 2m", text));
      into = *parsed;
    }
    return with(command);
  }

  CLI::App app_;
  command_line line_;
  run_command run_;
  check_command check_;
  status_command status_;
  steer_command steer_;
  logs_command logs_;
  events_command events_;
  heartbeat_command heartbeat_;
  report_command report_;
  sim_command sim_;
  demo_command demo_;
  completion_command completion_;
  std::string names_;
  std::string took_;
  std::string outcome_;
  std::string length_;
  std::string seed_;
  std::string seeds_;
  std::string faults_;
  std::string quiet_after_;
  bool no_wait_ = false;
};

}  // namespace

result<command_line, no_command> parse_command_line(std::vector<std::string> arguments) {
  return parser().parse(std::move(arguments));
}

}  // namespace hale::cli
