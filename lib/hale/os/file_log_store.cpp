#include "hale/os/file_log_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>

#include "hale/base/text.hpp"
#include "hale/os/unique_fd.hpp"

namespace hale::os {
namespace {

constexpr std::size_t pending_limit = 256 * 1024;
constexpr std::size_t pending_kept = 128 * 1024;  // beyond it the buffer's memory is given back
constexpr std::uint32_t fewest_files = 3;
constexpr std::uint32_t most_files = 1000;
constexpr std::size_t tail_bytes = 16 * 1024 * 1024;
constexpr std::size_t chunk_bytes = 64 * 1024;

/// The third field after the time says which run wrote a record: `TIME out|err F|P INCARNATION TEXT`.
std::optional<std::uint64_t> incarnation_of(std::string_view record) noexcept {
  for (int skipped = 0; skipped < 3; ++skipped) {
    const std::size_t blank = record.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    record.remove_prefix(blank + 1);
  }
  std::uint64_t value = 0;
  const auto [stop, failed] = std::from_chars(record.data(), record.data() + record.size(), value);
  if (failed != std::errc() || (stop != record.data() + record.size() && *stop != ' ')) return std::nullopt;
  return value;
}

/// The first record of a file that is one; a torn line at its beginning is passed over.
std::optional<std::uint64_t> first_incarnation(const std::string& path) {
  const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(chunk_bytes * 2, '\0');
  const ssize_t count = file ? ::read(file.get(), text.data(), text.size()) : -1;
  std::string_view rest(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (const auto found = incarnation_of(rest.substr(0, end))) return found;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

void make_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    ::mkdir(path.substr(0, at).c_str(), 0700);
  }
  ::mkdir(path.c_str(), 0700);
}

/// Prepends the last lines of `path` to `lines`, newest kept, until there are `count` or `budget` bytes are spent.
void read_backwards(const std::string& path, std::size_t count, std::size_t& budget, std::vector<std::string>& newest_first) {
  const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0) return;
  std::string text;  // from `begin` of the file on, what has not been cut into lines yet
  off_t begin = found.st_size;
  bool last_byte = true;
  while (begin > 0 && newest_first.size() < count && budget > 0) {
    const auto size = static_cast<std::size_t>(std::min<off_t>(begin, chunk_bytes));
    begin -= static_cast<off_t>(size);
    std::string chunk(size, '\0');
    if (::pread(file.get(), chunk.data(), size, begin) != static_cast<ssize_t>(size)) return;
    budget -= std::min(budget, size);
    if (last_byte && chunk.back() == '\n') chunk.pop_back();
    last_byte = false;
    text.insert(0, chunk);
    for (std::size_t cut = text.rfind('\n'); cut != std::string::npos && newest_first.size() < count; cut = text.rfind('\n')) {
      newest_first.push_back(text.substr(cut + 1));
      text.resize(cut);
    }
  }
  if (begin == 0 && found.st_size > 0 && newest_first.size() < count) newest_first.push_back(std::move(text));
}

}  // namespace

std::string log_file_name(std::string_view name) {
  std::string safe;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("_-:@+").find(c) != std::string_view::npos || (c == '.' && !safe.empty());
    if (plain) {
      safe.push_back(c);
    } else {
      std::array<char, 4> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
      safe += escaped.data();
    }
  }
  return safe;
}

class file_log final : public instance_log {
 public:
  file_log(file_log_store& store, std::string_view instance, log_limits limits)
      : store_(store),
        path_(store.directory_ + "/" + log_file_name(instance) + ".log"),
        size_limit_(std::max<std::uint64_t>(limits.size_bytes, 1)),
        files_(std::clamp(limits.keep, fewest_files, most_files)) {}
  ~file_log() {
    if (store_.pending_of_ != this) return;
    flush();
    store_.pending_of_ = nullptr;
  }

  void append(const log_line& line) noexcept override;
  void flush() noexcept override;
  std::vector<std::string> tail(std::size_t count) const override;
  std::uint64_t lines_lost() const noexcept override { return lost_; }

 private:
  static constexpr std::uint32_t nowhere = 0xffffffff;

  std::string file(std::uint32_t index) const { return index == 0 ? path_ : path_ + "." + std::to_string(index); }
  void look_at_files();
  void begin_run(std::uint64_t incarnation);
  unique_fd open_current();
  void write_pending();
  void rotate();

  file_log_store& store_;
  std::string path_;
  std::uint64_t size_limit_;
  std::uint32_t files_;
  std::uint32_t previous_end_ = nowhere;  ///< which file holds the end of the run before this one
  std::uint64_t size_ = 0;                ///< of the current file
  std::uint64_t incarnation_ = 0;         ///< of the newest record
  std::uint64_t lost_ = 0;
  bool looked_ = false;
  bool torn_ = false;  ///< the current file ends inside a record
};

std::unique_ptr<instance_log> file_log_store::open(std::string_view instance, log_limits limits) {
  return std::make_unique<file_log>(*this, instance, limits);
}

void file_log::append(const log_line& line) noexcept {
  try {
    if (store_.pending_of_ != this || store_.pending_.size() >= pending_limit) {
      if (store_.pending_of_ != nullptr) store_.pending_of_->flush();
      store_.pending_of_ = this;
    }
    if (!looked_) look_at_files();
    if (line.incarnation.value() != incarnation_) begin_run(line.incarnation.value());
    std::string& into = store_.pending_;
    into += to_rfc3339(line.at);
    into += line.stream == output_stream::out ? " out " : " err ";
    into += line.goes_on ? "P " : "F ";
    into += std::to_string(line.incarnation.value());
    into += ' ';
    into += line.text;
    into += '\n';
    ++store_.pending_lines_;
  } catch (const std::bad_alloc&) {
    ++lost_;
  }
}

void file_log::begin_run(std::uint64_t incarnation) {
  flush();  // the end of the old run must be in its file before a rotation can separate them
  if (incarnation_ != 0) previous_end_ = 0;
  incarnation_ = incarnation;
}

void file_log::look_at_files() {
  looked_ = true;
  struct stat found {};
  if (::stat(path_.c_str(), &found) == 0) size_ = static_cast<std::uint64_t>(found.st_size);
  if (size_ > 0) {
    const unique_fd current(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    char last = '\n';
    torn_ = current && ::pread(current.get(), &last, 1, found.st_size - 1) == 1 && last != '\n';
  }
  std::size_t budget = chunk_bytes * 4;
  std::vector<std::string> newest;
  for (std::uint32_t index = 0; index < files_ && newest.empty(); ++index) read_backwards(file(index), 2, budget, newest);
  for (const std::string& record : newest) {
    if (incarnation_ == 0) incarnation_ = incarnation_of(record).value_or(0);
  }
  for (std::uint32_t index = 0; index < files_ && previous_end_ == nowhere; ++index) {
    const auto first = first_incarnation(file(index));
    if (first && *first < incarnation_) previous_end_ = index;
  }
}

void file_log::flush() noexcept {
  if (store_.pending_of_ != this || store_.pending_.empty()) return;
  try {
    write_pending();
  } catch (const std::bad_alloc&) {
    lost_ += store_.pending_lines_;
  }
  store_.pending_lines_ = 0;
  store_.pending_.clear();
  if (store_.pending_.capacity() > pending_kept) std::string().swap(store_.pending_);
}

unique_fd file_log::open_current() {
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  unique_fd current(::open(path_.c_str(), flags, 0600));
  if (current || errno != ENOENT) return current;
  make_directories(store_.directory_);
  return unique_fd(::open(path_.c_str(), flags, 0600));
}

void file_log::write_pending() {
  if (size_ > 0 && size_ + store_.pending_.size() > size_limit_) rotate();
  const unique_fd current = open_current();
  if (!current) {
    lost_ += store_.pending_lines_;
    return;
  }
  if (torn_) store_.pending_.insert(0, 1, '\n');
  const std::string& text = store_.pending_;
  ssize_t count = 0;
  do {
    count = ::write(current.get(), text.data(), text.size());
  } while (count < 0 && errno == EINTR);
  const std::size_t written = count > 0 ? static_cast<std::size_t>(count) : 0;
  size_ += written;
  if (written == text.size()) {
    torn_ = false;
    return;
  }
  // The disk is full, or nearly: what was cut inside a record is taken back, so that the next begins on its own line.
  const std::size_t whole = written == 0 ? 0 : text.rfind('\n', written - 1) + 1;
  const auto kept = static_cast<std::uint64_t>(std::count(text.data(), text.data() + whole, '\n')) - (torn_ && whole > 0 ? 1 : 0);
  lost_ += store_.pending_lines_ - kept;
  if (whole > 0) torn_ = false;
  if (written == whole) return;
  size_ -= written - whole;
  if (::ftruncate(current.get(), static_cast<off_t>(size_)) == 0) return;
  size_ += written - whole;
  torn_ = true;
}

void file_log::rotate() {
  std::uint32_t dropped = files_ - 1;
  if (previous_end_ == dropped) --dropped;
  ::unlink(file(dropped).c_str());
  for (std::uint32_t index = dropped; index > 0; --index) {
    ::rename(file(index - 1).c_str(), file(index).c_str());
  }
  if (previous_end_ < dropped) ++previous_end_;
  struct stat found {};
  if (::stat(path_.c_str(), &found) == 0) return;  // could not be moved: the current file goes on
  size_ = 0;
  torn_ = false;
}

std::vector<std::string> file_log::tail(std::size_t count) const {
  const_cast<file_log*>(this)->flush();
  std::vector<std::string> lines;
  std::size_t budget = tail_bytes;
  for (std::uint32_t index = 0; index < files_ && lines.size() < count && budget > 0; ++index) {
    read_backwards(file(index), count, budget, lines);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace hale::os
