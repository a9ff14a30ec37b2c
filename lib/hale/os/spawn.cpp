#include "hale/os/spawn.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HALE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HALE_SANITIZED 1
#endif
#endif

extern char** environ;

namespace hale::os {
namespace {

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr std::size_t guard_bytes = 4096;

// Sanitizers keep books on a process's memory, which a child must not write in: theirs is a copy.
#ifdef HALE_SANITIZED
constexpr int share_memory = 0;
#else
constexpr int share_memory = CLONE_VM;
#endif

enum class step : int { none, duplicate, join_group, working_directory, exec };

const char* name_of(step which) noexcept {
  switch (which) {
    case step::duplicate: return "dup2";
    case step::join_group: return "cgroup";
    case step::working_directory: return "chdir";
    case step::exec: return "exec";
    case step::none: break;
  }
  return "fork";
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

enum slot : std::size_t { out_slot, err_slot, group_slot };

struct child_plan {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* cwd;  // null: the parent's
  const child_setup* setup;
  int null;
  int out;
  int err;
  int group;            // -1: none to join
  unsigned first_alien; // of the parent's descriptors: none from here on is the child's
};

}  // namespace

struct spawner::shared_page {
  volatile step failed_step;
  volatile int failed_errno;
};

namespace {

struct child_argument {
  const child_plan* plan;
  volatile step* failed_step;
  volatile int* failed_errno;
};

[[noreturn]] void give_up(const child_argument& how, step at) noexcept {
  *how.failed_errno = errno;
  *how.failed_step = at;
  ::_exit(127);
}

// The kernel drops handlers at exec but keeps what is ignored.
void reset_signal_dispositions() noexcept {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
}

void close_from(unsigned first) noexcept {
  if (::syscall(SYS_close_range, first, ~0u, 0) == 0) return;
  rlimit open_files{};
  ::getrlimit(RLIMIT_NOFILE, &open_files);
  for (unsigned fd = first; fd < open_files.rlim_cur; ++fd) ::close(static_cast<int>(fd));
}

/// From now on the child's table is its own, with nothing in it from `first` on: those are not even copied.
bool part_from_parent(unsigned first) noexcept {
  constexpr unsigned unshare_first = 1u << 1;  // CLOSE_RANGE_UNSHARE
  if (::syscall(SYS_close_range, first, ~0u, unshare_first) == 0) return true;
  return ::unshare(CLONE_FILES) == 0;
}

void write_number(const char* path, int value) noexcept {
  std::array<char, 16> text;
  std::size_t begin = text.size();
  unsigned left = static_cast<unsigned>(value < 0 ? -value : value);
  do {
    text[--begin] = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left != 0);
  if (value < 0) text[--begin] = '-';
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t ignored = ::write(fd, text.data() + begin, text.size() - begin);
  ::close(fd);
}

int run_child(void* argument) noexcept {
  const auto& how = *static_cast<const child_argument*>(argument);
  const child_plan& plan = *how.plan;
  const child_setup& setup = *plan.setup;
  if (!part_from_parent(plan.first_alien)) give_up(how, step::duplicate);
  ::setsid();
  if (plan.group >= 0 && ::write(plan.group, "0", 1) != 1) give_up(how, step::join_group);
  if (setup.oom_score_adjustment) write_number("/proc/self/oom_score_adj", *setup.oom_score_adjustment);
  if (::dup2(plan.null, 0) < 0 || ::dup2(plan.out, 1) < 0 || ::dup2(plan.err, 2) < 0) give_up(how, step::duplicate);
  close_from(3);
  if (plan.cwd != nullptr && ::chdir(plan.cwd) != 0) give_up(how, step::working_directory);
  if (setup.open_files) ::setrlimit(RLIMIT_NOFILE, &*setup.open_files);
  reset_signal_dispositions();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program, plan.argv, plan.environment);
  give_up(how, step::exec);
}

// clone3 with a stack of the child's own: the C library has no function for it. The child has the parent's registers,
// and calls `run`, which does not return.
#if defined(__x86_64__)
constexpr bool has_clone3 = true;
long clone3_and_run(clone_args& how, int (*run)(void*) noexcept, void* argument) noexcept {
  long outcome = SYS_clone3;
  register int (*entry)(void*) noexcept asm("r12") = run;
  register void* passed asm("r13") = argument;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r13, %%rdi\n\t"
      "callq *%%r12\n\t"
      "ud2\n"
      "1:"
      : "+a"(outcome)
      : "D"(&how), "S"(sizeof how), "r"(entry), "r"(passed)
      : "rcx", "r11", "memory", "cc");
  return outcome;
}
#else
constexpr bool has_clone3 = false;
long clone3_and_run(clone_args&, int (*)(void*) noexcept, void*) noexcept { return -ENOSYS; }
#endif

/// The child's pid, with its pidfd in `pidfd`; -1 with errno otherwise.
pid_t clone_child(void* stack, int directory, child_argument& argument, int& pidfd) noexcept {
  constexpr int flags = share_memory | CLONE_VFORK | CLONE_PIDFD | CLONE_FILES;
  char* stack_top = static_cast<char*>(stack) + stack_bytes + guard_bytes;
  if (directory < 0) return ::clone(&run_child, stack_top, flags | SIGCHLD, &argument, &pidfd);
  clone_args how{};
  how.flags = flags | CLONE_INTO_CGROUP;
  how.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  how.exit_signal = SIGCHLD;
  how.stack = reinterpret_cast<std::uintptr_t>(stack) + guard_bytes;
  how.stack_size = stack_bytes;
  how.cgroup = static_cast<std::uint64_t>(directory);
  const long outcome = clone3_and_run(how, &run_child, &argument);
  if (outcome >= 0) return static_cast<pid_t>(outcome);
  errno = static_cast<int>(-outcome);
  return -1;
}

void* reserve(std::size_t bytes, int flags) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::system_error(errno, std::system_category(), "mmap");
  return at;
}

bool sets(std::string_view entry, std::string_view name) noexcept {
  return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
}

/// The child's environment: what the spec says, and of ours what it neither overrides nor withholds.
std::vector<char*> compose_environment(const process_spec& spec) {
  std::vector<char*> composed = pointers_to(spec.environment);
  composed.pop_back();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view ours = *entry;
    const std::string_view name = ours.substr(0, ours.find('='));
    const auto overrides = [&](const std::string& line) { return sets(line, name); };
    const bool hidden = std::any_of(spec.environment.begin(), spec.environment.end(), overrides) ||
                        std::find(spec.withheld.begin(), spec.withheld.end(), name) != spec.withheld.end();
    if (!hidden) composed.push_back(*entry);
  }
  composed.push_back(nullptr);
  return composed;
}

std::string environment_value(const std::vector<char*>& environment, std::string_view name) {
  for (const char* entry : environment) {
    if (entry != nullptr && sets(entry, name)) return entry + name.size() + 1;
  }
  return {};
}

/// 0 where `path` is a file this process may execute, else the errno exec would give.
int why_not_executable(const std::string& path) noexcept {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return errno;
  if (!S_ISREG(found.st_mode)) return EACCES;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/// A script whose interpreter is missing fails as if itself were: the interpreter is what the reader must hear of.
std::string what_is_missing(const std::string& program) {
  unique_fd script(::open(program.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, 256> head{};
  const ssize_t count = script ? ::read(script.get(), head.data(), head.size()) : -1;
  std::string_view text(head.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  if (!text.starts_with("#!")) return program;
  text.remove_prefix(2);
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const std::string interpreter(text.substr(0, text.find_first_of(" \t\r\n")));
  return interpreter.empty() ? program : interpreter;
}

/// Where argv[0] is, by the PATH of the child's own environment; the errno an execvp would give otherwise.
result<std::string, spawn_error> find_program(const process_spec& spec, const std::vector<char*>& environment) {
  const std::string& name = spec.argv.front();
  if (name.empty()) return spawn_error{system_error(ENOENT), "exec", name};
  if (name.find('/') != std::string::npos) return name;
  std::string path = environment_value(environment, "PATH");
  if (path.empty()) path = "/usr/local/bin:/usr/bin:/bin";
  spawn_error found{system_error(ENOENT), "exec", name};
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    std::string candidate = path.substr(begin, end - begin);
    begin = end + 1;
    if (candidate.empty()) candidate = ".";
    if (candidate.front() != '/' && !spec.cwd.empty()) candidate = spec.cwd + '/' + candidate;
    candidate += '/' + name;
    const int failed = why_not_executable(candidate);
    if (failed == 0) return candidate;
    if (failed != ENOENT && failed != ENOTDIR) found = spawn_error{system_error(failed), "exec", candidate};
  }
  return found;
}

}  // namespace

bool spawner::can_be_born_into_groups() noexcept { return has_clone3; }

spawner::spawner() : null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
  if (!null_) throw std::system_error(errno, std::system_category(), "/dev/null");
  for (unique_fd& slot : slots_) {
    slot = unique_fd(::fcntl(null_.get(), F_DUPFD_CLOEXEC, 3));
    if (!slot) throw std::system_error(errno, std::system_category(), "descriptor");
  }
  page_ = static_cast<shared_page*>(reserve(sizeof(shared_page), MAP_SHARED));
  stack_ = reserve(stack_bytes + guard_bytes, MAP_PRIVATE | MAP_STACK);
  ::mprotect(stack_, guard_bytes, PROT_NONE);
}

spawner::~spawner() {
  ::munmap(page_, sizeof(shared_page));
  ::munmap(stack_, stack_bytes + guard_bytes);
}

result<spawned_process, spawn_error> spawner::spawn(const process_spec& spec, const child_setup& setup) {
  assert(!spec.argv.empty());
  const std::vector<char*> environment = compose_environment(spec);
  const result<std::string, spawn_error> program = find_program(spec, environment);
  if (!program) return program.error();
  const std::vector<char*> argv = pointers_to(spec.argv);
  const auto lend = [this](slot which, int fd) { ::dup3(fd, slots_[which].get(), O_CLOEXEC); };
  lend(out_slot, setup.out < 0 ? null_.get() : setup.out);
  lend(err_slot, setup.err < 0 ? null_.get() : setup.err);
  if (setup.group_tasks >= 0) lend(group_slot, setup.group_tasks);
  int highest = null_.get();
  for (const unique_fd& one : slots_) highest = std::max(highest, one.get());
  const child_plan plan{program->c_str(),
                        argv.data(),
                        environment.data(),
                        spec.cwd.empty() ? nullptr : spec.cwd.c_str(),
                        &setup,
                        null_.get(),
                        slots_[out_slot].get(),
                        slots_[err_slot].get(),
                        setup.group_tasks >= 0 ? slots_[group_slot].get() : -1,
                        static_cast<unsigned>(highest) + 1};
  page_->failed_step = step::none;
  page_->failed_errno = 0;
  child_argument argument{&plan, &page_->failed_step, &page_->failed_errno};

  // No handler of ours may run in the child, which has our memory but not our place in it.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const pid_t pid = clone_child(stack_, setup.group_directory, argument, pidfd);
  const int clone_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  for (const slot which : {out_slot, err_slot, group_slot}) lend(which, null_.get());
  if (pid < 0) return spawn_error{system_error(clone_errno), "fork", {}};

  spawned_process started{pid, unique_fd(pidfd)};
  const step failed = page_->failed_step;
  if (failed == step::none) return started;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = page_->failed_errno;
  std::string path;
  if (failed == step::working_directory) path = spec.cwd;
  if (failed == step::exec) path = code == ENOENT ? what_is_missing(*program) : *program;
  return spawn_error{system_error(code), name_of(failed), std::move(path)};
}

}  // namespace hale::os
