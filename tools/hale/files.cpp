#include "files.hpp"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>

#include "terminal.hpp"

namespace hale::cli {

std::error_code make_directories(const std::string& path, mode_t mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), slash == std::string::npos ? mode : 0755) != 0 && errno != EEXIST) {
      const int why = errno;
      struct stat what {};
      if (stat(part.c_str(), &what) != 0) return system_error(why);
    }
    if (slash == std::string::npos) break;
  }
  struct stat what {};
  if (stat(path.c_str(), &what) != 0) return system_error(errno);
  return S_ISDIR(what.st_mode) ? std::error_code{} : system_error(ENOTDIR);
}

result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> found(realpath(path.c_str(), nullptr), &std::free);
  if (found == nullptr) return system_error(errno);
  return std::string(found.get());
}

std::optional<std::string> read_file(const std::string& path, std::size_t limit) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  struct stat what {};
  if (fstat(file, &what) == 0 && !S_ISREG(what.st_mode)) {  // a pipe or a device may never end
    close(file);
    errno = S_ISDIR(what.st_mode) ? EISDIR : EINVAL;
    return std::nullopt;
  }
  std::string text(limit, '\0');
  std::size_t used = 0;
  ssize_t got = 1;
  while (used < limit && got > 0) {
    got = read(file, text.data() + used, limit - used);
    if (got > 0) used += static_cast<std::size_t>(got);
  }
  close(file);
  if (got < 0) return std::nullopt;
  text.resize(used);
  return text;
}

std::error_code write_file(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return system_error(errno);
  const bool written = write_all(file, text);
  const int why = errno;
  close(file);
  return written ? std::error_code{} : system_error(why);
}

void remove_tree(const std::string& path) {
  nftw(path.c_str(), [](const char* at, const struct stat*, int, struct FTW*) { return remove(at); }, 16,
       FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

}  // namespace hale::cli
