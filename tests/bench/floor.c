// The floor that figures are ratios to: a supervisor with nothing in it. It spawns COUNT children, polls their pidfds,
// spawns another when one ends, and on SIGTERM kills and reaps all. No probes, no logs, no backoff, no clean slate.
//
//     floor TINY_HTTP FIRST_PORT COUNT
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static char* program;
static int first_port;
static int count;
static pid_t* pids;
static struct pollfd* waits;  // one pidfd each, and the signals
static posix_spawn_file_actions_t actions;
static posix_spawnattr_t attributes;

static void spawn(int index) {
  char port[8];
  snprintf(port, sizeof port, "%d", first_port + index);
  char* const arguments[] = {program, port, NULL};
  if (posix_spawn(&pids[index], program, &actions, &attributes, arguments, environ) != 0) _exit(1);
  waits[index].fd = (int)syscall(SYS_pidfd_open, pids[index], 0);
  waits[index].events = POLLIN;
}

static void respawn_ended(void) {
  for (int i = 0; i < count; ++i) {
    if (!waits[i].revents) continue;
    close(waits[i].fd);
    waitpid(pids[i], NULL, 0);
    spawn(i);
  }
}

static int stop_all(void) {
  for (int i = 0; i < count; ++i) kill(pids[i], SIGTERM);
  for (int i = 0; i < count; ++i) waitpid(pids[i], NULL, 0);
  return 0;
}

static void prepare(void) {
  const struct rlimit files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &files);
  sigset_t none, term;
  sigemptyset(&none);
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, NULL);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &none);
  pids = calloc((size_t)count, sizeof *pids);
  waits = calloc((size_t)count + 1, sizeof *waits);
  waits[count].fd = signalfd(-1, &term, SFD_CLOEXEC);
  waits[count].events = POLLIN;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  program = argv[1];
  first_port = atoi(argv[2]);
  count = atoi(argv[3]);
  prepare();
  for (int i = 0; i < count; ++i) spawn(i);
  for (;;) {
    if (poll(waits, (nfds_t)count + 1, -1) < 0) continue;
    if (waits[count].revents) return stop_all();
    respawn_ended();
  }
}
