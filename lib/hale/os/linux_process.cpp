#include "hale/os/linux_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

#include "hale/async/wait_queue.hpp"
#include "hale/os/port_holder.hpp"

namespace hale::os {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr duration table_age = std::chrono::milliseconds(500);
// Each look for dead orphans costs as much as there are children, and an orphan's zombie harms nobody for a while.
constexpr duration orphan_pause = std::chrono::milliseconds(200);
constexpr int last_reaps = 50;
constexpr useconds_t reap_pause_us = 2'000;
constexpr duration first_kill_pause = std::chrono::milliseconds(1);
constexpr duration longest_kill_pause = std::chrono::milliseconds(50);
constexpr std::string_view tag_name = "HALE_TREE=";

std::string tag_of(pid_t pid) {
  const std::string text = '\0' + read_small_file("/proc/" + std::to_string(pid) + "/environ", 1 << 18);
  const std::size_t at = text.find('\0' + std::string(tag_name));
  if (at == std::string::npos) return {};
  const std::size_t begin = at + 1;
  return text.substr(begin, std::min(text.find('\0', begin), text.size()) - begin);
}

duration ticks_to_time(std::uint64_t ticks) noexcept {
  static const long per_second = ::sysconf(_SC_CLK_TCK);
  return std::chrono::nanoseconds(ticks * (1'000'000'000u / static_cast<std::uint64_t>(per_second)));
}

exit_status to_exit_status(const siginfo_t& info) noexcept {
  if (info.si_code == CLD_EXITED) return exited{info.si_status};
  return signalled{info.si_status, info.si_code == CLD_DUMPED};
}

/// The status of the child behind `pidfd`, which is reaped; nothing while it lives. `lost` where it was reaped already.
std::optional<exit_status> reap(int pidfd) noexcept {
  siginfo_t info{};
  for (;;) {
    if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG) == 0) {
      return info.si_pid == 0 ? std::nullopt : std::optional<exit_status>(to_exit_status(info));
    }
    if (errno != EINTR) return lost{};
  }
}

struct pipe_ends {
  unique_fd read;
  unique_fd write;
};

result<pipe_ends, spawn_error> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return spawn_error{system_error(errno), "pipe", {}};
  pipe_ends made;
  made.read = unique_fd(ends[0]);
  made.write = unique_fd(ends[1]);
  // The reading end alone: the child's writes block, as it expects.
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return spawn_error{system_error(errno), "pipe", {}};
  return made;
}

/// What one stream of a process prints, brought to its observer.
class output_pipe final : readiness_observer {
 public:
  output_pipe(output_stream which, output_observer* observer, char* buffer) noexcept
      : which_(which), observer_(observer), buffer_(buffer) {}

  std::error_code start(descriptor pipe) noexcept {
    pipe_ = std::move(pipe);
    return pipe_.ask(descriptor::readable, *this);
  }
  /// Delivers what is in the pipe now, and no more: a descendant may go on printing.
  void drain() noexcept {
    int waiting = 0;
    if (!pipe_ || ::ioctl(pipe_.get(), FIONREAD, &waiting) != 0) return;
    for (std::size_t left = static_cast<std::size_t>(waiting); left > 0;) {
      const std::size_t count = take(std::min(left, read_bytes));
      if (count == 0) return;
      left -= count;
    }
  }

 private:
  void on_ready(std::error_code why) noexcept override {
    if (why) return;
    const std::size_t count = take(read_bytes);
    if (count == 0 && ended_) {
      pipe_.close();
    } else if (pipe_.ask(descriptor::readable, *this)) {
      pipe_.close();
    }
  }
  std::size_t take(std::size_t most) noexcept {
    const ssize_t count = ::read(pipe_.get(), buffer_, most);
    if (count > 0) {
      observer_->on_output(which_, std::string_view(buffer_, static_cast<std::size_t>(count)));
      return static_cast<std::size_t>(count);
    }
    ended_ = count == 0 || (errno != EAGAIN && errno != EINTR);
    return 0;
  }

  descriptor pipe_;
  output_stream which_;
  bool ended_ = false;
  output_observer* observer_;
  char* buffer_;
};

}  // namespace

/// A child whose process object is gone: it is only waited for, so that no zombie stays.
class linux_process_host::forgotten final : public list_node, readiness_observer {
 public:
  explicit forgotten(descriptor pidfd) noexcept : pidfd_(std::move(pidfd)) {}
  /// False where it cannot be waited for.
  bool start() noexcept { return !pidfd_.ask(descriptor::readable, *this); }

 private:
  void on_ready(std::error_code why) noexcept override {
    if (!why && !reap(pidfd_.get()) && start()) return;
    if (!why) delete this;
  }
  descriptor pidfd_;
};

class linux_process final : public process, readiness_observer {
 public:
  linux_process(linux_process_host& host, spawned_process started, std::string group, std::string tag)
      : host_(host),
        pidfd_(host.loop_, std::move(started.pidfd)),
        pid_(started.pid),
        group_(std::move(group)),
        tag_(std::move(tag)) {
    const auto entry = read_process(pid_);
    start_ticks_ = entry ? entry->start_ticks : 0;
    host_.leaders_[pid_] = this;
    if (!group_.empty() && host_.groups_.limits_memory()) look_at(group_);
  }
  ~linux_process();

  /// Where it fails, the process is killed by its maker.
  std::error_code watch(const process_spec& spec, unique_fd out, unique_fd err) noexcept {
    if (const std::error_code failed = pidfd_.ask(descriptor::readable, *this)) return failed;
    if (spec.output == nullptr) return {};
    out_.emplace(output_stream::out, spec.output, host_.buffer_.get());
    err_.emplace(output_stream::err, spec.output, host_.buffer_.get());
    if (const std::error_code failed = out_->start(descriptor(host_.loop_, std::move(out)))) return failed;
    return err_->start(descriptor(host_.loop_, std::move(err)));
  }
  void kill_now() noexcept {
    signal_leader(SIGKILL);
    siginfo_t info{};
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED);
    status_ = lost{};
    host_.leaders_.erase(pid_);
  }

  std::int64_t pid() const noexcept override { return pid_; }
  task<result<exit_status>> wait(deadline limit) override;
  std::error_code signal(int number, signal_reach reach) noexcept override;
  task<std::error_code> kill_tree(deadline limit) override;
  bool tree_alive() const noexcept override { return !members(duration::zero()).empty(); }
  process_usage usage() const noexcept override;
  std::uint64_t oom_kills() const noexcept override;
  bool contains(std::int64_t pid) const noexcept override;

  /// Takes the leader's status if it has ended. True if it has.
  bool try_reap() noexcept;

 private:
  void on_ready(std::error_code why) noexcept override {
    if (!why && !try_reap()) [[maybe_unused]] const std::error_code ignored = pidfd_.ask(descriptor::readable, *this);
  }
  bool running() const noexcept { return !status_.has_value(); }
  std::error_code signal_leader(int number) const noexcept;
  bool is_same(const process_entry& seen) const noexcept;
  void kill_group() const noexcept {
    const spare_descriptors::loan room(host_.spares_);
    host_.groups_.kill(group_);
  }
  bool sweeps() const noexcept { return group_.empty() || strayed_; }
  std::vector<process_entry> members(duration age) const;
  void add_swept(duration age, std::vector<process_entry>& into) const;
  void signal_members(const std::vector<process_entry>& all, int number, pid_t group) const noexcept;
  void look_where_it_is() const;
  void look_at(const std::string& memory_group) const;
  std::uint64_t count_oom_kills() const;

  linux_process_host& host_;
  descriptor pidfd_;
  pid_t pid_;
  std::uint64_t start_ticks_ = 0;
  std::string group_;  ///< its control group; empty: none
  std::string tag_;    ///< NAME=value in the environment of it and of what it starts
  std::optional<exit_status> status_;
  wait_queue ended_;
  std::optional<output_pipe> out_;
  std::optional<output_pipe> err_;
  std::vector<std::pair<pid_t, std::uint64_t>> left_behind_;  ///< (pid, start) of the session when its leader ended

  // What was learned while looking: the answers do not depend on it.
  mutable bool strayed_ = false;         ///< the leader moved to a group of its own choice
  mutable std::string memory_group_;     ///< where it was seen last
  mutable std::uint64_t kills_base_ = 0; ///< the group's count when the process was first seen there
  mutable std::uint64_t kills_ = 0;      ///< the group's count when read last
  mutable std::uint64_t kills_elsewhere_ = 0;
};

linux_process::~linux_process() {
  if (out_) out_->drain();
  if (err_) err_->drain();
  if (running() && !try_reap()) {
    host_.leaders_.erase(pid_);
    pidfd_.forget(descriptor::readable);
    auto waiting = std::make_unique<linux_process_host::forgotten>(std::move(pidfd_));
    if (waiting->start()) host_.forgotten_.push_back(*waiting.release());
  }
}

bool linux_process::try_reap() noexcept {
  if (!running()) return true;
  if (sweeps()) {
    // While the leader is not reaped its number is its session's alone; later a stranger may have it.
    left_behind_.clear();
    for (const process_entry& seen : members(duration::zero())) {
      if (seen.pid != pid_) left_behind_.emplace_back(seen.pid, seen.start_ticks);
    }
  }
  std::optional<exit_status> found = reap(pidfd_.get());
  if (!found) return false;
  if (out_) out_->drain();
  if (err_) err_->drain();
  status_ = std::move(found);
  host_.leaders_.erase(pid_);
  pidfd_.close();
  ended_.wake_all();
  return true;
}

task<result<exit_status>> linux_process::wait(deadline limit) {
  while (running()) {
    queue_operation waiting(ended_, false, limit);
    const std::error_code failed = co_await waiting;
    if (failed) co_return failed;
  }
  co_return *status_;
}

std::error_code linux_process::signal_leader(int number) const noexcept {
  if (!running()) return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0 || errno == ESRCH) return {};
  return system_error(errno);
}

std::error_code linux_process::signal(int number, signal_reach reach) noexcept {
  if (reach == signal_reach::leader) return signal_leader(number);
  if (reach == signal_reach::group && running()) {
    return ::kill(-pid_, number) == 0 || errno == ESRCH ? std::error_code() : system_error(errno);
  }
  const std::error_code failed = signal_leader(number);
  signal_members(members(duration::zero()), number, reach == signal_reach::group ? pid_ : 0);
  return failed;
}

/// Those of process group `group`, or all where it is 0; the leader was signalled already.
void linux_process::signal_members(const std::vector<process_entry>& all, int number, pid_t group) const noexcept {
  const spare_descriptors::loan room(host_.spares_);
  for (const process_entry& member : all) {
    if (member.pid == pid_ && running()) continue;
    if (group != 0 && member.group != group) continue;
    signal_if(member.pid, number, [&member] {
      const auto again = read_process(member.pid);
      return again && again->start_ticks == member.start_ticks;
    });
  }
}

task<std::error_code> linux_process::kill_tree(deadline limit) {
  const context here = co_await this_context();
  bool left_orphans = false;
  for (duration pause = first_kill_pause;; pause = std::min(pause * 2, longest_kill_pause)) {
    signal_leader(SIGKILL);
    const std::vector<process_entry> alive = members(duration::zero());
    if (alive.empty() && try_reap()) {
      if (left_orphans && host_.options_.subreaper) host_.reap_orphans();
      co_return std::error_code();
    }
    left_orphans = left_orphans || !alive.empty();
    if (!group_.empty()) kill_group();
    signal_members(alive, SIGKILL, 0);
    if (here.cancelled()) co_return errc::cancelled;
    const instant now = monotonic_now();
    if (limit.passed(now)) co_return errc::timed_out;
    const instant next = std::min(saturating_add(now, pause), limit.at());
    const std::error_code failed = co_await sleep_until(next);
    if (failed) co_return failed;
  }
}

std::vector<process_entry> linux_process::members(duration age) const {
  const spare_descriptors::loan room(host_.spares_);
  std::vector<process_entry> found;
  if (!group_.empty()) {
    for (const pid_t pid : host_.groups_.members(group_)) {
      const auto entry = read_process(pid);
      if (entry && entry->alive()) found.push_back(*entry);
    }
  }
  if (sweeps()) add_swept(age, found);
  return found;
}

/// A process is ours if it is the leader, of its session or group, has one of ours as parent, carries our tag, or was
/// ours when the leader ended. None can be older than the leader.
void linux_process::add_swept(duration age, std::vector<process_entry>& into) const {
  const auto& table = host_.table(age);
  std::vector<pid_t> ours;
  const auto is_ours = [&ours](pid_t pid) { return std::find(ours.begin(), ours.end(), pid) != ours.end(); };
  for (const process_entry& known : into) ours.push_back(known.pid);
  for (bool more = true; more;) {
    more = false;
    for (const auto& seen : table) {
      if (seen.start_ticks < start_ticks_ || is_ours(seen.pid)) continue;
      const bool of_session = running() && (seen.session == pid_ || seen.group == pid_);
      const auto known = std::pair(seen.pid, seen.start_ticks);
      const bool remembered = std::find(left_behind_.begin(), left_behind_.end(), known) != left_behind_.end();
      if (!of_session && !is_ours(seen.parent) && seen.tag != tag_ && !remembered) continue;
      ours.push_back(seen.pid);
      if (seen.alive()) into.push_back(seen);
      more = true;
    }
  }
}

process_usage linux_process::usage() const noexcept {
  static const std::uint64_t page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  process_usage measured;
  try {
    look_where_it_is();
    for (const process_entry& member : members(table_age)) {
      measured.rss_bytes += member.rss_pages * page_bytes;
      measured.cpu_time += ticks_to_time(member.cpu_ticks);
      ++measured.processes;
    }
  } catch (const std::bad_alloc&) {
  }
  return measured;
}

std::uint64_t linux_process::oom_kills() const noexcept {
  try {
    look_where_it_is();
    return count_oom_kills();
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

/// A process may have moved to a group of its own choice.
void linux_process::look_where_it_is() const {
  if (!running()) return;
  const std::string seen = host_.groups_.memory_group_of(pid_);
  if (!seen.empty()) look_at(seen);
  strayed_ = !group_.empty() && !host_.groups_.contains(group_, pid_);
}

void linux_process::look_at(const std::string& memory_group) const {
  if (memory_group == memory_group_) return;
  kills_elsewhere_ = memory_group_.empty() ? 0 : count_oom_kills();
  memory_group_ = memory_group;
  kills_base_ = kills_ = host_.groups_.oom_kills(memory_group_).value_or(0);
}

std::uint64_t linux_process::count_oom_kills() const {
  kills_ = host_.groups_.oom_kills(memory_group_).value_or(kills_);
  return kills_elsewhere_ + (kills_ > kills_base_ ? kills_ - kills_base_ : 0);
}

bool linux_process::contains(std::int64_t pid) const noexcept {
  if (pid <= 0) return false;
  const auto wanted = static_cast<pid_t>(pid);
  if (wanted == pid_ && running()) return true;
  try {
    if (!group_.empty() && host_.groups_.contains(group_, wanted)) return true;
    if (!sweeps()) return false;
    const std::vector<process_entry> all = members(duration::zero());
    return std::any_of(all.begin(), all.end(), [wanted](const process_entry& member) { return member.pid == wanted; });
  } catch (const std::bad_alloc&) {
    return false;
  }
}

linux_process_host::linux_process_host(event_loop& loop, const process_host_options& options)
    : loop_(loop),
      options_(options),
      groups_(options.tracking),
      buffer_(std::make_unique<char[]>(read_bytes)),
      orphan_round_(*this) {
  const auto self = read_process(::getpid());
  start_ticks_ = self ? self->start_ticks : 0;
  tag_prefix_ = std::string(tag_name) + std::to_string(::getpid()) + '.' +
                std::to_string(monotonic_now().time_since_epoch().count()) + '.';
  if (!options_.subreaper) return;
  child_ended_.emplace(loop_.io(), SIGCHLD);
  await_orphans();
}

linux_process_host::~linux_process_host() {
  // Killed orphans may still be on their way out; nobody is waited for who was left alive on purpose.
  for (int attempt = 0; options_.subreaper && reap_orphans() && forgotten_.empty(); ++attempt) {
    if (attempt == last_reaps) break;
    ::usleep(reap_pause_us);
  }
  forgotten_.for_each([](list_node& node) { delete static_cast<forgotten*>(&node); });
}

task<result<std::unique_ptr<process>, spawn_error>> linux_process_host::spawn(process_spec spec) {
  co_return spawn_now(spec);
}

result<std::string, spawn_error> linux_process_host::open_group(const process_spec& spec) {
  if (spec.memory_limit_bytes != 0 && !groups_.limits_memory()) {
    return spawn_error{std::make_error_code(std::errc::not_supported), "cgroup",
                       "a memory limit needs a memory control group, and none can be made here"};
  }
  if (groups_.kind() == tree_tracking::none) return std::string();
  const auto known = named_groups_.find(spec.name);
  named_group group;
  if (known != named_groups_.end()) {
    group = known->second;
  } else if (const result<std::string> made = groups_.open(spec.name)) {
    group.directory = *made;
  } else if (spec.memory_limit_bytes != 0) {
    return spawn_error{made.error(), "cgroup", groups_.root()};
  } else {
    return std::string();  // found by its session, parents and tag instead
  }
  if (spec.memory_limit_bytes != group.memory_limit_bytes) {
    if (const std::error_code failed = groups_.limit_memory(group.directory, spec.memory_limit_bytes)) {
      return spawn_error{failed, "cgroup", group.directory};
    }
    group.memory_limit_bytes = spec.memory_limit_bytes;
  }
  return named_groups_.insert_or_assign(spec.name, std::move(group)).first->second.directory;
}

result<spawned_process, spawn_error> linux_process_host::spawn_into(const std::string& group, const process_spec& spec,
                                                                    child_setup setup) {
  if (group.empty()) return spawner_.spawn(spec, setup);
  const bool by_birth = births_work_ && groups_.kind() == tree_tracking::cgroup_v2;
  auto door = groups_.open_door(group, by_birth);
  if (!door && door.error() == std::errc::no_such_file_or_directory) {
    // Somebody removed it while it was empty.
    named_groups_.erase(spec.name);
    const result<std::string, spawn_error> again = open_group(spec);
    if (!again) return again.error();
    door = groups_.open_door(group, by_birth);
  }
  if (!door) return spawn_error{door.error(), "cgroup", group};
  (by_birth ? setup.group_directory : setup.group_tasks) = door->get();
  result<spawned_process, spawn_error> started = spawner_.spawn(spec, setup);
  const auto why = started.error_or_none();
  // An old kernel, or a filter that knows no clone3.
  const bool births_refused =
      by_birth && why.step == "fork" && (why.code == std::errc::function_not_supported ||
                                         why.code == std::errc::operation_not_permitted ||
                                         why.code == std::errc::invalid_argument);
  if (!births_refused) return started;
  births_work_ = false;
  setup.group_directory = -1;
  return spawn_into(group, spec, setup);
}

result<std::unique_ptr<process>, spawn_error> linux_process_host::spawn_now(process_spec& spec) {
  assert(!spec.argv.empty());
  result<std::string, spawn_error> group = open_group(spec);
  if (!group) return group.error();
  child_setup setup;
  setup.open_files = options_.child_open_files;
  setup.oom_score_adjustment = options_.child_oom_score_adjustment;
  pipe_ends out;
  pipe_ends err;
  if (spec.output != nullptr) {
    auto made_out = make_pipe();
    auto made_err = make_pipe();
    if (!made_out) return made_out.error();
    if (!made_err) return made_err.error();
    out = std::move(made_out).value();
    err = std::move(made_err).value();
    setup.out = out.write.get();
    setup.err = err.write.get();
  }
  std::string tag = tag_prefix_ + std::to_string(++spawned_);
  spec.environment.push_back(tag);
  result<spawned_process, spawn_error> started = spawn_into(*group, spec, setup);
  if (!started) return started.error();
  auto made = std::make_unique<linux_process>(*this, std::move(started).value(), std::move(group).value(), std::move(tag));
  if (const std::error_code failed = made->watch(spec, std::move(out.read), std::move(err.read))) {
    made->kill_now();
    return spawn_error{failed, "epoll", {}};
  }
  std::unique_ptr<process> ready = std::move(made);
  return ready;
}

const std::vector<linux_process_host::tagged_process>& linux_process_host::table(duration age) {
  const instant now = monotonic_now();
  if (table_read_ != instant::min() && now - table_read_ < age) return table_;
  table_.clear();
  for (const process_entry& entry : read_all_processes()) {
    if (entry.start_ticks < start_ticks_ || entry.pid == ::getpid()) continue;
    table_.push_back(tagged_process{entry, tag_of(entry.pid)});
  }
  table_read_ = now;
  return table_;
}

void linux_process_host::await_orphans() {
  child_ended_->async_wait([this](const std::error_code& failed, int) {
    if (failed) return;
    if (!orphan_round_.armed()) orphan_round_.arm(loop_, monotonic_now() + orphan_pause);
    await_orphans();
  });
}

// Looks who has ended without taking the status, so that a child of ours is reaped by its process object and nobody
// else; what is unknown was orphaned to us, and its end means nothing.
bool linux_process_host::reap_orphans() noexcept {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
    if (info.si_pid == 0) return true;
    const auto known = leaders_.find(info.si_pid);
    if (known != leaders_.end()) {
      if (!known->second->try_reap()) return true;
    } else {
      siginfo_t ignored{};
      ::waitid(P_PID, static_cast<id_t>(info.si_pid), &ignored, WEXITED | WNOHANG);
    }
  }
}

port_holder linux_process_host::find_listener(std::uint16_t port) noexcept { return find_port_holder(port); }

}  // namespace hale::os
