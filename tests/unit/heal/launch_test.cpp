#include "hale/heal/launch.hpp"

#include <boost/test/unit_test.hpp>

using namespace hale;

namespace {

service_spec make_service(std::vector<std::string> command) {
  service_spec service;
  service.name = "web";
  service.command = std::move(command);
  service.instances.resize(1);
  service.instances[0].name = "web";
  service.instances[0].port = 8080;
  return service;
}

process_spec launched(std::vector<std::string> command) {
  const service_spec service = make_service(std::move(command));
  const auto made = make_process_spec({"test", service, 0, incarnation_number(1), {}});
  BOOST_REQUIRE(made.has_value());
  return *made;
}

bool has(const std::vector<std::string>& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

}  // namespace

BOOST_AUTO_TEST_CASE(leading_assignments_are_environment_with_their_placeholders_filled_in) {
  const process_spec spec = launched({"HOST=127.0.0.1:{port}", "serve", "A={index}"});
  BOOST_TEST(has(spec.environment, "HOST=127.0.0.1:8080"));
  BOOST_TEST(spec.argv == (std::vector<std::string>{"serve", "A=0"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_word_is_no_assignment_for_what_its_placeholder_stands_for) {
  const process_spec spec = launched({"{name}=x"});
  BOOST_TEST(spec.argv == std::vector<std::string>{"web=x"}, boost::test_tools::per_element());
  BOOST_TEST(!has(spec.environment, "web=x"));
}
