#include "hale/os/descriptor.hpp"

#include <array>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <cassert>
#include <new>

namespace hale::os {

// What asio knows of a descriptor. It is shared by the descriptor and by the handlers that asio still holds, which may
// outlive it.
class descriptor::registration {
 public:
  struct side_state {
    readiness_observer* observer = nullptr;
    bool pending = false;
  };

  explicit registration(asio::io_context& io) : engine(io) {}
  void hold() noexcept { ++holders_; }
  void drop() noexcept {
    if (--holders_ == 0) delete this;
  }

  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> engine;
  std::array<side_state, 2> sides;

 private:
  int holders_ = 1;
};

struct descriptor::ready_handler {
  ready_handler(registration& of, side which) noexcept : of_(&of), which_(which) { of_->hold(); }
  ready_handler(ready_handler&& other) noexcept : of_(std::exchange(other.of_, nullptr)), which_(other.which_) {}
  ~ready_handler() {
    if (of_ != nullptr) of_->drop();
  }
  void operator()(const std::error_code&) noexcept {
    registration::side_state& state = of_->sides[which_];
    state.pending = false;
    if (readiness_observer* told = std::exchange(state.observer, nullptr)) told->on_ready({});
  }

 private:
  registration* of_;
  side which_;
};

descriptor::descriptor(descriptor&& other) noexcept
    : loop_(other.loop_),
      fd_(std::exchange(other.fd_, -1)),
      registration_(std::exchange(other.registration_, nullptr)) {}

descriptor& descriptor::operator=(descriptor&& other) noexcept {
  if (this == &other) return *this;
  close();
  loop_ = other.loop_;
  fd_ = std::exchange(other.fd_, -1);
  registration_ = std::exchange(other.registration_, nullptr);
  return *this;
}

std::error_code descriptor::ask(side which, readiness_observer& who) noexcept {
  if (fd_ < 0) return make_error_code(errc::closed);
  try {
    if (registration_ == nullptr) {
      auto made = std::make_unique<registration>(loop_->io());
      std::error_code failed;
      made->engine.assign(fd_, failed);
      if (failed) return failed;
      registration_ = made.release();
    }
    registration::side_state& state = registration_->sides[which];
    assert(state.observer == nullptr && "one waits on each side");
    state.observer = &who;
    if (state.pending) return {};  // a wait given up earlier is still with asio, and serves
    state.pending = true;
    const auto kind = which == readable ? asio::posix::descriptor_base::wait_read : asio::posix::descriptor_base::wait_write;
    registration_->engine.async_wait(kind, ready_handler(*registration_, which));
    return {};
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  } catch (const std::system_error& error) {
    return error.code();
  }
}

void descriptor::forget(side which) noexcept {
  if (registration_ != nullptr) registration_->sides[which].observer = nullptr;
}

void descriptor::close() noexcept {
  const int fd = std::exchange(fd_, -1);
  if (fd < 0) return;
  registration* known = std::exchange(registration_, nullptr);
  if (known == nullptr) {
    ::close(fd);
    return;
  }
  std::array<readiness_observer*, 2> waiting{};
  for (std::size_t which = 0; which < waiting.size(); ++which) {
    waiting[which] = std::exchange(known->sides[which].observer, nullptr);
  }
  std::error_code ignored;
  known->engine.close(ignored);
  known->drop();
  for (readiness_observer* told : waiting) {
    if (told != nullptr) told->on_ready(make_error_code(errc::closed));
  }
}

}  // namespace hale::os
