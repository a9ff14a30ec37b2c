// No fault is an invention: each of the catalogue stands in the table of sim/world/README.md, and the tests of the real
// world that it names exist.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "hale/sim/fault/catalogue.hpp"
#include "support/source_directory.hpp"

namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream from(file);
  return std::string(std::istreambuf_iterator<char>(from), {});
}

std::string table() { return read(hale::test::source_directory() / "sim/hale/sim/world/README.md"); }

std::string all_os_tests() {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator(hale::test::source_directory() / "tests/os")) {
    if (entry.path().extension() == ".cpp") all += read(entry.path());
  }
  return all;
}

/// What the table says of it: its row, from the last column on.
std::string evidence_of(const std::string& in, std::string_view fault) {
  const std::size_t row = in.find("\n| `" + std::string(fault) + "` | ");
  if (row == std::string::npos) return {};
  const std::string line = in.substr(row + 1, in.find('\n', row + 1) - row - 1);
  return line.substr(line.rfind("| ", line.size() - 3));
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_fault_has_its_evidence) {
  const std::string rows = table();
  for (const auto& fault : hale::sim::fault_catalogue()) {
    BOOST_TEST(evidence_of(rows, fault.name).size() > 8, "nothing says that \"" << fault.name << "\" is real");
  }
}

BOOST_AUTO_TEST_CASE(the_tests_that_are_named_exist) {
  const std::string rows = table();
  const std::string known = all_os_tests();
  const std::regex quoted("`([a-z0-9_]+)`");
  const std::regex scenes("scenes? ([a-z-]+)");
  int named = 0;
  for (const auto& fault : hale::sim::fault_catalogue()) {
    const std::string evidence = evidence_of(rows, fault.name);
    for (std::sregex_iterator at(evidence.begin(), evidence.end(), quoted), end; at != end; ++at, ++named) {
      BOOST_TEST(known.find("TEST_CASE(" + (*at)[1].str() + ")") != std::string::npos, "no test " << (*at)[1].str());
    }
    for (std::sregex_iterator at(evidence.begin(), evidence.end(), scenes), end; at != end; ++at, ++named) {
      const std::string scene = (*at)[1].str();
      BOOST_TEST(known.find("add(\"" + scene + "\"") != std::string::npos, "no scene " << scene);
    }
  }
  BOOST_TEST(named > 20);
}
