// Every message the cluster file can cause, word by word, in golden/mistakes.txt: each case is a title, a text and
// after `>>>` what is said of it. A text that begins with no section stands inside a small service. With HALE_UPDATE_GOLDEN
// set the file is written anew, for a person to read the difference.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "hale/config/cluster_file.hpp"
#include "support/source_directory.hpp"

namespace {

constexpr std::string_view service_around = "[service.a]\ncommand = [\"x\"]\n";

struct mistake_case {
  std::string title;
  std::string text;
  std::string expected;
};

std::filesystem::path golden_file() {
  return hale::test::source_directory() / "tests/unit/config/golden/mistakes.txt";
}

std::vector<mistake_case> read_cases() {
  std::ifstream in(golden_file());
  BOOST_TEST_REQUIRE(in.good());
  std::vector<mistake_case> cases;
  bool in_expected = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# ")) {
      cases.push_back({line.substr(2), "", ""});
      in_expected = false;
    } else if (line == ">>>") {
      in_expected = true;
    } else {
      (in_expected ? cases.back().expected : cases.back().text) += line + "\n";
    }
  }
  return cases;
}

std::string said_of(const std::string& text) {
  const bool in_service =
      !text.starts_with("[service") && !text.starts_with("[cluster") && !text.starts_with("service");
  const auto parsed = hale::parse_cluster(in_service ? std::string(service_around) + text : text, "f");
  std::string said;
  for (const auto& error : parsed.errors) said += to_string(error).substr(2) + "\n";
  for (const auto& warning : parsed.warnings) said += "warning " + to_string(warning).substr(2) + "\n";
  for (const auto& feature : parsed.unsupported) said += "later " + to_string(feature).substr(2) + "\n";
  if (parsed.spec.has_value() != parsed.errors.empty()) said += "a spec in spite of errors, or neither\n";
  return said;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_mistake_is_said_in_these_words_and_at_this_place) {
  const std::vector<mistake_case> cases = read_cases();
  BOOST_TEST(cases.size() > 80u);
  const bool update = std::getenv("HALE_UPDATE_GOLDEN") != nullptr;
  std::ostringstream anew;
  for (const mistake_case& each : cases) {
    const std::string said = said_of(each.text);
    anew << "# " << each.title << "\n" << each.text << ">>>\n" << said;
    if (update) continue;
    BOOST_TEST_CONTEXT(each.title) {
      BOOST_TEST(!said.empty());
      BOOST_TEST(said == each.expected);
    }
  }
  if (update) std::ofstream(golden_file()) << anew.str();
}
