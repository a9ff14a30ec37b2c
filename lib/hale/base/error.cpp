#include "hale/base/error.hpp"

#include <string>

namespace hale {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hale"; }
  std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::cancelled: return "cancelled";
      case errc::timed_out: return "timed out";
      case errc::closed: return "closed";
      case errc::destroyed: return "already destroyed";
      case errc::too_large: return "too large";
      case errc::malformed: return "malformed";
      case errc::not_found: return "not found";
      case errc::refused: return "refused";
    }
    return "unknown error";
  }
};

}  // namespace

const std::error_category& hale_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace hale
