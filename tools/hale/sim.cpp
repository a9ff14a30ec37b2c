// hale sim: a cluster file against chaos, in simulated time. Every run is a process of its own. A run that fails is run
// again to record its tape, and at wish made as small as it can be.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "cluster.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "hale/base/text.hpp"
#include "hale/sim/run/report_json.hpp"
#include "hale/sim/run/report_text.hpp"
#include "sim_job.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr int exit_interrupted = 130;
constexpr std::size_t most_tapes = 10;
constexpr int progress_interval_ms = 200;

// Unlike what a cluster keeps, what is asked for is readable by whom the user's umask lets read it.
std::string write_output(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return fmt::format("cannot write {}: {}", path, std::strerror(errno));
  const bool written = write_all(file, text);
  const int why = errno;
  close(file);
  return written ? "" : fmt::format("cannot write {}: {}", path, std::strerror(why));
}

// Before long work whose result could not be kept.
std::string why_not_writable(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  struct stat what {};
  const bool exists = stat(path.c_str(), &what) == 0;
  if (exists && S_ISDIR(what.st_mode)) return fmt::format("cannot write {}: it is a directory", path);
  if (access(exists ? path.c_str() : folder.c_str(), W_OK) == 0) return "";
  return fmt::format("cannot write {}: {}", path, std::strerror(errno));
}

result<sim::tape, std::string> load_tape(const std::string& path) {
  struct stat what {};
  const std::size_t size = stat(path.c_str(), &what) == 0 ? static_cast<std::size_t>(what.st_size) : 0;
  const auto text = read_file(path, size + 1);
  using loaded = result<sim::tape, std::string>;
  if (!text) return loaded::failure(fmt::format("cannot read the tape {}: {}", path, std::strerror(errno)));
  auto tape = sim::tape::parse(*text);
  if (tape) return std::move(*tape);
  return loaded::failure(fmt::format("{}:{}: {}", path, tape.error().line, tape.error().message));
}

// One line on a terminal, written over again; nothing elsewhere.
class progress_line {
 public:
  progress_line() : shown_(isatty(2) == 1) {}
  ~progress_line() { clear(); }
  void show(std::string_view text) {
    if (!shown_ || text == last_) return;
    last_ = text;
    write_all(2, fmt::format("\r{}\x1b[K", fitted(text, 79)));
  }
  void clear() {
    if (!last_.empty()) write_all(2, "\r\x1b[K");
    last_.clear();
  }

 private:
  bool shown_;
  std::string last_;
};

class simulation {
 public:
  simulation(const sim_command& command, const command_line& line, cluster_spec spec)
      : command_(command), line_(line), file_(command.file.empty() ? "hale.toml" : command.file),
        how_(command.options) {
    options_.spec = std::move(spec);
  }

  int execute() {
    if (!command_.tape.empty()) {
      if (const std::string wrong = take_tape(); !wrong.empty()) return complain(exit_usage, wrong);
    }
    for (const std::string& path : {command_.timeline, command_.record}) {
      if (path.empty()) continue;
      if (const std::string wrong = why_not_writable(path); !wrong.empty()) return complain(exit_usage, wrong);
    }
    prepare();
    run_all();
    if (!workers_.interrupted()) record_failures();
    if (command_.shrink && !workers_.interrupted()) shrink_failures();
    progress_.clear();
    return report();
  }

 private:
  std::string take_tape() {
    auto loaded = load_tape(command_.tape);
    if (!loaded) return loaded.error();
    tape_ = std::move(*loaded);
    if (tape_.options.empty()) return "";
    const auto made = parse_sim_options(tape_.options);
    if (!made) return fmt::format("{}:2: {}", command_.tape, made.error());
    if (std::string wrong = contradiction(command_.options, *made); !wrong.empty()) return wrong;
    how_ = *made;
    return "";
  }

  void prepare() {
    if (command_.tape.empty() && !how_.seed) how_.seed = 1;
    if (!how_.length) how_.length = options_.length;
    if (!how_.quiet_after_percent) how_.quiet_after_percent = options_.quiet_after_percent;
    options_.length = *how_.length;
    options_.quiet_after_percent = *how_.quiet_after_percent;
    options_.faults = how_.faults;
    first_ = how_.seed.value_or(0);
    found_.cluster = options_.spec.name;
    for (const auto& service : options_.spec.services) found_.instances += service.instances.size();
    found_.tape = command_.tape;
    found_.seed = how_.seed;
    found_.wanted = command_.seeds;
  }

  sim_options how_of(std::uint64_t seed) const {
    sim_options how = how_;
    if (how.seed) how.seed = seed;
    return how;
  }

  sim_job job_of(std::uint64_t seed) const {
    sim_job job;
    job.options = options_;
    job.seed = seed;
    job.replayed = command_.tape.empty() ? nullptr : &tape_;
    job.how = to_text(how_of(seed));
    job.title = fmt::format("hale sim {} {}", file_, command_.tape.empty() ? job.how : "--tape " + command_.tape);
    return job;
  }

  // Waits for one that ends, and shows meanwhile how far things are.
  std::optional<worker_end> next(const std::function<std::string()>& state) {
    for (;;) {
      auto ended = workers_.next(progress_interval_ms);
      if (ended || workers_.interrupted()) return ended;
      progress_.show(state());
    }
  }

  std::string newest_progress() const {
    const auto newest = workers_.newest(part::progress);
    return newest.empty() ? "" : newest.begin()->second;
  }

  void run_all() {
    const bool single = found_.wanted == 1;
    const auto state = [&] {
      if (single) return newest_progress();
      return fmt::format("{} of {} runs, {} failed", found_.runs, found_.wanted, found_.failures.size());
    };
    for (std::uint64_t started = 0; started < found_.wanted || !workers_.idle();) {
      if (started < found_.wanted && workers_.room()) {
        sim_job job = job_of(first_ + started++);
        job.record = single && !command_.record.empty();
        job.picture = single && !command_.timeline.empty();
        workers_.start(job.seed, [&](worker_output& to) { run_job(job, to); });
        continue;
      }
      const auto ended = next(state);
      if (!ended) break;
      take(*ended);
    }
    std::sort(found_.failures.begin(), found_.failures.end(),
              [](const auto& a, const auto& b) { return a.seed < b.seed; });
    found_.interrupted = workers_.interrupted();
    workers_.kill_all();
  }

  void take(const worker_end& ended) {
    const auto seen = ended.parts.find(part::report);
    if (seen == ended.parts.end()) return take_crash(ended);
    const sim::run_report report = read_report(seen->second);
    found_.add(report);
    if (found_.wanted == 1) keep_outputs(ended);
    if (!report.verdict) return;
    sim::run_failure failed;
    failed.seed = ended.job;
    failed.number = report.verdict->oracle;
    failed.name = report.verdict->name;
    failed.what = report.verdict->what;
    failed.at = report.verdict->at.time_since_epoch();
    failed.tape = command_.tape.empty() ? command_.record : command_.tape;
    failed.tape_choices = tape_.weight();
    failed.replay = replay_of(failed);
    hashes_[failed.seed] = report.hash;
    found_.failures.push_back(std::move(failed));
  }

  void take_crash(const worker_end& ended) {
    ++found_.runs;
    sim::run_failure failed;
    failed.seed = ended.job;
    failed.name = "crash";
    failed.what = ended.crash.empty() ? "it ended without a report" : ended.crash;
    failed.tape = command_.tape;
    failed.tape_choices = tape_.weight();
    failed.replay = replay_of(failed);
    progress_.clear();
    write_all(2, ended.errors);
    found_.failures.push_back(std::move(failed));
  }

  std::string replay_of(const sim::run_failure& failed) const {
    std::string text = "hale ";
    if (!line_.cluster_name.empty()) text += fmt::format("--name {} ", shell_word(line_.cluster_name));
    text += fmt::format("sim {} ", shell_word(file_));
    return text + (failed.tape.empty() ? to_text(how_of(failed.seed)) : "--tape " + shell_word(failed.tape));
  }

  void keep_outputs(const worker_end& ended) {
    for (const auto& [kind, path] : {std::pair(part::tape, command_.record), {part::picture, command_.timeline}}) {
      const auto sent = ended.parts.find(kind);
      if (path.empty() || sent == ended.parts.end()) continue;
      if (std::string wrong = write_output(path, sent->second); !wrong.empty()) problems_.push_back(std::move(wrong));
    }
    if (!command_.record.empty() && ended.parts.contains(part::tape)) {
      tape_ = *sim::tape::parse(ended.parts.at(part::tape));
    }
  }

  // Beside the cluster file; where that cannot be, in the working directory.
  std::string keep_tape(std::uint64_t seed, const std::string& text) {
    const std::string beside = fmt::format("{}.seed-{}.tape", file_, seed);
    const std::string wrong = write_output(beside, text);
    if (wrong.empty()) return beside;
    const std::size_t slash = beside.rfind('/');
    const std::string here = beside.substr(slash == std::string::npos ? 0 : slash + 1);
    if (here != beside && write_output(here, text).empty()) return here;
    problems_.push_back(wrong);
    return "";
  }

  // Failing runs once more, this time with their tapes.
  void record_failures() {
    if (!command_.tape.empty()) return;
    std::vector<sim::run_failure*> open;
    for (sim::run_failure& failed : found_.failures) {
      if (failed.number != 0 && failed.tape.empty() && open.size() < most_tapes) open.push_back(&failed);
    }
    const auto state = [&] { return fmt::format("recording the tapes of {} failed runs", open.size()); };
    for (std::size_t started = 0; started < open.size() || !workers_.idle();) {
      if (started < open.size() && workers_.room()) {
        sim_job job = job_of(open[started]->seed);
        job.record = true;
        job.picture = started == 0 && found_.wanted > 1 && !command_.timeline.empty();
        workers_.start(started++, [&](worker_output& to) { run_job(job, to); });
        continue;
      }
      const auto ended = next(state);
      if (!ended) break;
      take_recording(*open[ended->job], *ended);
    }
    workers_.kill_all();
  }

  void take_recording(sim::run_failure& failed, const worker_end& ended) {
    const auto seen = ended.parts.find(part::report);
    if (seen == ended.parts.end() || read_report(seen->second).hash != hashes_[failed.seed]) {
      problems_.push_back(fmt::format("seed {} did not run the same way twice: please report this", failed.seed));
      return;
    }
    failed.tape = keep_tape(failed.seed, ended.parts.at(part::tape));
    failed.replay = replay_of(failed);
    if (!failed.tape.empty()) failed.tape_choices = sim::tape::parse(ended.parts.at(part::tape))->weight();
    const auto picture = ended.parts.find(part::picture);
    if (picture == ended.parts.end()) return;
    const std::string wrong = write_output(command_.timeline, picture->second);
    if (!wrong.empty()) problems_.push_back(wrong);
  }

  // Of every oracle that failed, its first tape.
  void shrink_failures() {
    std::vector<sim::run_failure*> open;
    std::set<int> taken;
    for (sim::run_failure& failed : found_.failures) {
      if (failed.number != 0 && !failed.tape.empty() && taken.insert(failed.number).second) open.push_back(&failed);
    }
    const auto state = [&] { return newest_progress(); };
    for (std::size_t started = 0; started < open.size() || !workers_.idle();) {
      if (started < open.size() && workers_.room()) {
        const sim::run_failure& failed = *open[started];
        const auto failing = load_tape(failed.tape);
        if (!failing) {
          problems_.push_back(failing.error());
          open.erase(open.begin() + static_cast<std::ptrdiff_t>(started));
          continue;
        }
        workers_.start(started++, [&](worker_output& to) {
          shrink_job(options_, *failing, failed.number, how_of(failed.seed), to);
        });
        continue;
      }
      const auto ended = next(state);
      if (!ended) break;
      const auto least = ended->parts.find(part::shrunk);
      if (least != ended->parts.end()) take_shrunk(*open[ended->job], read_shrunk(least->second));
    }
    for (const auto& [job, bytes] : workers_.newest(part::shrunk)) take_shrunk(*open[job], read_shrunk(bytes));
    workers_.kill_all();
  }

  void take_shrunk(sim::run_failure& failed, const shrunk_part& least) {
    std::string path;
    if (command_.tape.empty()) {
      path = keep_tape(failed.seed, least.tape);
    } else {
      constexpr std::string_view suffix = ".tape";
      path = command_.tape.ends_with(suffix) ? command_.tape.substr(0, command_.tape.size() - suffix.size())
                                             : command_.tape;
      path += ".shrunk.tape";
      if (std::string wrong = write_output(path, least.tape); !wrong.empty()) {
        problems_.push_back(std::move(wrong));
        return;
      }
    }
    if (path.empty()) return;
    failed.tape = path;
    failed.tape_choices = least.choices;
    failed.shrink_runs = least.runs;
    failed.what = least.verdict.what;
    failed.at = least.verdict.at.time_since_epoch();
    failed.replay = replay_of(failed);
  }

  int report() {
    print(command_.json ? report_json(found_) : report_text(found_));
    for (const std::string& problem : problems_) complain(exit_usage, problem);
    if (!found_.failures.empty()) return exit_failed;
    if (found_.interrupted) return complain(exit_interrupted, "interrupted; what is above is not all");
    if (found_.wanted > 1 && !command_.timeline.empty()) {
      complain(0, fmt::format("no run failed, so there is no picture in {}; give one --seed", command_.timeline));
    }
    return problems_.empty() ? exit_done : exit_usage;
  }

  const sim_command& command_;
  const command_line& line_;
  std::string file_;
  sim_options how_;
  sim::run_options options_;
  sim::tape tape_;
  std::uint64_t first_ = 0;
  sim::run_summary found_;
  std::map<std::uint64_t, std::uint64_t> hashes_;
  std::vector<std::string> problems_;
  progress_line progress_;
  workers workers_;
};

}  // namespace

int execute(const sim_command& command, const command_line& line) {
  run_command meant;
  meant.file = command.file;
  loaded_cluster loaded = load_cluster(meant, line.cluster_name);
  for (const std::string& warning : loaded.warnings) write_all(2, fmt::format("{} (warning)\n", warning));
  for (const std::string& error : loaded.errors) write_all(2, error + "\n");
  for (const std::string& feature : loaded.unsupported) write_all(2, feature + "\n");
  if (!loaded.spec || !loaded.unsupported.empty()) return exit_usage;
  simulation all(command, line, std::move(*loaded.spec));
  return all.execute();
}

}  // namespace hale::cli
