// Where the sources are, for tests that read files kept beside them. Told through the environment, not compiled in: a
// clone in another place can then use what was compiled here.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace hale::test {

/// HALE_SOURCE_DIR, as ctest sets it; the working directory where it is not set.
inline std::filesystem::path source_directory() {
  const char* told = std::getenv("HALE_SOURCE_DIR");
  return told != nullptr ? std::filesystem::path(told) : std::filesystem::current_path();
}

}  // namespace hale::test
