// What is called while the traps are not set goes on to the kernel or to the C library. This is C, since the C library's
// declarations differ for C++.
#define _GNU_SOURCE
#include "traps.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int hale_traps_set = 0;

static void say(const char* text) {
  const ssize_t written = write(STDERR_FILENO, text, strlen(text));
  (void)written;
}

static void trap(const char* name) {
  if (!hale_traps_set) return;
  hale_traps_set = 0;
  say("trap: ");
  say(name);
  say(" was called inside a simulated run\n");
  abort();
}

int clock_gettime(clockid_t clock, struct timespec* into) {
  trap("clock_gettime");
  return (int)syscall(SYS_clock_gettime, clock, into);
}

int gettimeofday(struct timeval* into, void* zone) {
  trap("gettimeofday");
  return (int)syscall(SYS_gettimeofday, into, zone);
}

time_t time(time_t* into) {
  trap("time");
  struct timespec now;
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  if (into != NULL) *into = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec* into, int base) {
  trap("timespec_get");
  return syscall(SYS_clock_gettime, CLOCK_REALTIME, into) == 0 ? base : 0;
}

int nanosleep(const struct timespec* wanted, struct timespec* left) {
  trap("nanosleep");
  return (int)syscall(SYS_nanosleep, wanted, left);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec* wanted, struct timespec* left) {
  trap("clock_nanosleep");
  return syscall(SYS_clock_nanosleep, clock, flags, wanted, left) == 0 ? 0 : errno;
}

ssize_t getrandom(void* into, size_t size, unsigned int flags) {
  trap("getrandom");
  return syscall(SYS_getrandom, into, size, flags);
}

int getentropy(void* into, size_t size) {
  trap("getentropy");
  return syscall(SYS_getrandom, into, size, 0) == (long)size ? 0 : -1;
}

uint32_t arc4random(void) {
  trap("arc4random");
  uint32_t value = 0;
  syscall(SYS_getrandom, &value, sizeof value, 0);
  return value;
}

int pthread_create(pthread_t* made, const pthread_attr_t* how, void* (*body)(void*), void* with) {
  trap("pthread_create");
  int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  *(void**)&next = dlsym(RTLD_NEXT, "pthread_create");
  return next(made, how, body, with);
}
