// Records that come back from outside: events, gaps and the status, as the command line reads them from a supervisor.
// Any text is refused, or means something that is written and read back as the same.
#include <string>

#include "hale/base/error.hpp"
#include "hale/record/event_json.hpp"
#include "hale/record/event_line.hpp"
#include "hale/record/packed_event.hpp"
#include "hale/record/status_json.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"

namespace {

using namespace hale;

void check_event(std::string_view text) {
  const auto read = parse_event(text);
  if (!read) {
    CHECK(read.error() == errc::malformed);
    return;
  }
  const std::string written = event_json(read->what, read->cluster);
  CHECK(written.find('\n') == std::string::npos);
  const auto again = parse_event(written);
  CHECK(again.has_value() && event_json(again->what, again->cluster) == written);

  const std::string line = event_line(read->what);
  CHECK(line.find('\n') == std::string::npos && line.find('\x1b') == std::string::npos && line.size() <= 2048);

  const std::string packed = pack(read->what);
  CHECK(packed.size() <= max_packed_event_bytes && packed_time(packed) == read->what.at);
  const event kept = unpack(packed, read->what.sequence);
  if (text.size() < 1000) CHECK(event_json(kept, read->cluster) == written);
}

void check_status(std::string_view text) {
  const auto read = parse_status(text);
  if (!read) {
    CHECK(read.error() == errc::malformed);
    return;
  }
  // The sign of a zero, which an error rate may have in JSON, is lost on the way.
  const auto again = parse_status(status_json(*read));
  CHECK(again.has_value());
  const std::string written = status_json(*again);
  const auto once_more = parse_status(written);
  CHECK(once_more.has_value() && status_json(*once_more) == written);
}

void check_gap(std::string_view text) {
  const auto read = parse_gap(text);
  if (!read) return;
  const auto again = parse_gap(gap_json(*read));
  CHECK(again.has_value() && *again == *read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  check_event(text);
  check_status(text);
  check_gap(text);
  return 0;
}
