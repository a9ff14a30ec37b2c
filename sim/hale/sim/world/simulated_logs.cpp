#include "hale/sim/world/simulated_logs.hpp"

#include <algorithm>

namespace hale::sim {

class simulated_logs::log final : public instance_log {
 public:
  explicit log(const simulated_logs& store) : store_(store) {}
  void append(const log_line& line) noexcept override {
    if (store_.full_) {
      ++lost_;
    } else {
      lines_.push(std::string(line.text));
    }
  }
  void flush() noexcept override {}
  std::vector<std::string> tail(std::size_t count) const override {
    std::vector<std::string> newest;
    for (std::size_t at = lines_.size() - std::min(count, lines_.size()); at < lines_.size(); ++at) {
      newest.push_back(lines_[at]);
    }
    return newest;
  }
  std::uint64_t lines_lost() const noexcept override { return lost_; }

 private:
  const simulated_logs& store_;
  ring<std::string> lines_{kept_lines};
  std::uint64_t lost_ = 0;
};

std::unique_ptr<instance_log> simulated_logs::open(std::string_view, log_limits) {
  return std::make_unique<log>(*this);
}

}  // namespace hale::sim
