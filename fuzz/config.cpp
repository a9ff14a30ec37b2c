// A cluster file of any bytes: it is understood and then passes every check that code is held to, or each of its
// mistakes is named with a place in the text. What is understood can be launched and probed.
#include <string>
#include <vector>

#include "hale/config/cluster_file.hpp"
#include "hale/heal/launch.hpp"
#include "hale/heal/validate.hpp"
#include "hale/wire/http_message.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"

namespace {

using namespace hale;

constexpr std::string_view file_name = "fuzz.toml";

// How many characters each line has; a byte that is no UTF-8 counts as one.
std::vector<unsigned> widths_of_lines(std::string_view text) {
  std::vector<unsigned> widths(1);
  for (const char letter : text) {
    if (letter == '\n') {
      widths.push_back(0);
    } else if ((static_cast<unsigned char>(letter) & 0xC0) != 0x80) {
      ++widths.back();
    }
  }
  return widths;
}

template <class Located>
void check_places(const std::vector<Located>& all, const std::vector<unsigned>& widths) {
  const Located* before = nullptr;
  for (const Located& each : all) {
    CHECK(each.file == file_name);
    CHECK(each.line >= 1 && each.line <= widths.size());
    // One behind the last character is where something is missing, and one more is behind a line break.
    CHECK(each.column >= 1 && each.column <= widths[each.line - 1] + 2);
    CHECK(before == nullptr || before->line < each.line ||
          (before->line == each.line && before->column <= each.column));
    CHECK(to_string(each).size() > file_name.size() + 6);
    before = &each;
  }
}

bool is_whole(const std::string& text) { return text.find('\0') == std::string::npos; }

void check_process(const process_spec& process) {
  CHECK(!process.argv.empty() && !process.argv.front().empty() && is_whole(process.cwd));
  for (const std::string& word : process.argv) CHECK(is_whole(word));
  for (const std::string& line : process.environment) CHECK(is_whole(line) && line.find('=', 1) != std::string::npos);
}

void check_probe(const std::optional<probe_spec>& probe, const launch_identity& who) {
  if (!probe) return;
  const auto resolved = resolve_probe(*probe, who);
  CHECK(resolved.has_value());
  if (probe->type == probe_spec::kind::exec) return check_process(*resolved->exec);
  CHECK(resolved->target.port != 0);
  if (probe->type == probe_spec::kind::tcp) return;
  http_request request(probe->method, resolved->path);
  for (const auto& [name, value] : probe->headers) request.headers.add(name, value);
  CHECK(serialise(request).has_value());
}

void check_service(const cluster_spec& cluster, const service_spec& service) {
  constexpr std::uint32_t few = 3;
  for (std::uint32_t index = 0; index < service.instances.size() && index < few; ++index) {
    const launch_identity who{cluster.name, service, index, incarnation_number(1), "/run/notify"};
    const auto process = make_process_spec(who);
    CHECK(process.has_value());
    check_process(*process);
    check_probe(service.health, who);
    check_probe(service.start_probe, who);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const parsed_cluster parsed = parse_cluster(text, std::string(file_name));
  CHECK(parsed.spec.has_value() == parsed.errors.empty());
  if (parsed.spec.has_value()) {
    CHECK(validate(*parsed.spec).empty());
    for (const service_spec& service : parsed.spec->services) check_service(*parsed.spec, service);
  }
  const std::vector<unsigned> widths = widths_of_lines(text);
  check_places(parsed.errors, widths);
  check_places(parsed.warnings, widths);
  check_places(parsed.unsupported, widths);
  for (const config_error& error : parsed.errors) CHECK(!error.message.empty());
  return 0;
}
