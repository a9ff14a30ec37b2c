// Events as log lines on a descriptor, for those who watch `hale run`. A reader that does not keep up loses lines and
// is told how many: it can never hold up the supervisor.
#pragma once

#include <cstdint>
#include <string_view>

#include "hale/heal/event.hpp"

namespace hale::cli {

class event_log final : public event_sink {
 public:
  explicit event_log(int descriptor);
  void on_event(const event& what) noexcept override;

 private:
  bool has_room() const noexcept;

  int descriptor_;
  bool colour_;
  std::uint64_t dropped_ = 0;
};

}  // namespace hale::cli
