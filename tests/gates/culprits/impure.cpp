// Needs a real clock and a real process id: the purity gate must find both.
#include <unistd.h>

#include <chrono>

long impure() { return static_cast<long>(std::chrono::steady_clock::now().time_since_epoch().count()) + getpid(); }
