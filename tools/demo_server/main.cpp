#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "options.hpp"
#include "server.hpp"

int main(int argc, char** argv) {
  try {
    const auto settings = demo::parse_options(std::vector<std::string>(argv + 1, argv + argc));
    if (!settings) return 0;
    ::signal(SIGPIPE, SIG_IGN);
    const rlimit no_core_dumps{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core_dumps);
    return demo::server(*settings).run();
  } catch (const std::invalid_argument& wrong) {
    std::fprintf(stderr, "hale-demo-server: %s (see --help)\n", wrong.what());
    return 2;
  }
}
