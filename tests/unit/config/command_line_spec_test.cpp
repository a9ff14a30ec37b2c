#include "hale/config/command_line_spec.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using words = std::vector<std::string>;

hale::command_line line_of(words command) {
  hale::command_line line;
  line.command = std::move(command);
  return line;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_command_line_makes_one_service_called_like_its_command) {
  hale::command_line line = line_of({"A=b", "/usr/bin/ollama", "serve"});
  line.count = 2;
  line.base_port = 11434;
  line.port_offset = 100;
  line.health = "/api/tags";
  line.env = {"K=V", "EMPTY=", "EQ=a=b"};
  const auto parsed = hale::make_cluster(line);
  BOOST_TEST(parsed.errors == words{}, boost::test_tools::per_element());
  BOOST_TEST_REQUIRE(parsed.spec.has_value());
  BOOST_TEST(parsed.spec->name == "ollama");
  const hale::service_spec& service = parsed.spec->services.at(0);
  BOOST_TEST(service.name == "ollama");
  BOOST_TEST(service.command == (words{"A=b", "/usr/bin/ollama", "serve"}), boost::test_tools::per_element());
  BOOST_TEST_REQUIRE(service.instances.size() == 2u);
  BOOST_TEST(service.instances[0].name == "ollama-1");
  BOOST_TEST(service.instances[0].port == 11534);
  BOOST_TEST(service.instances[1].port == 11634);
  BOOST_TEST(service.base_port == 11434);
  BOOST_TEST(service.health->path == "/api/tags");
  BOOST_TEST(service.env.at("K") == "V");
  BOOST_TEST(service.env.at("EMPTY") == "");
  BOOST_TEST(service.env.at("EQ") == "a=b");
}

BOOST_AUTO_TEST_CASE(without_a_health_path_there_is_no_probe) {
  hale::command_line line = line_of({"sleep", "1000"});
  line.base_port = 8000;
  const auto parsed = hale::make_cluster(line);
  BOOST_TEST_REQUIRE(parsed.spec.has_value());
  BOOST_TEST(!parsed.spec->services[0].health.has_value());
  BOOST_TEST(parsed.spec->services[0].instances[0].port == 8010);
  BOOST_TEST(parsed.spec->services[0].instances[0].name == "sleep");
}

BOOST_AUTO_TEST_CASE(names_may_be_given) {
  hale::command_line line = line_of({"x"});
  line.name = "models";
  line.names = {"a", "b"};
  const auto parsed = hale::make_cluster(line);
  BOOST_TEST_REQUIRE(parsed.spec.has_value());
  BOOST_TEST(parsed.spec->name == "models");
  BOOST_TEST(parsed.spec->services[0].name == "models");
  BOOST_TEST(parsed.spec->services[0].instances[1].name == "b");
}

BOOST_AUTO_TEST_CASE(the_name_of_a_command_is_its_base_name) {
  BOOST_TEST(hale::name_from_command({"/usr/bin/python3", "x.py"}) == "python3");
  BOOST_TEST(hale::name_from_command({"./my server"}) == "my-server");
  BOOST_TEST(hale::name_from_command({"A=b"}) == "hale");
  BOOST_TEST(hale::name_from_command({}) == "hale");
  BOOST_TEST(hale::name_from_command({"/bin/"}) == "hale");
  BOOST_TEST(hale::name_from_command({".hidden"}) == "hidden");
}

BOOST_AUTO_TEST_CASE(errors_name_the_option) {
  hale::command_line all = line_of({"x", "{prot}"});
  all.name = "my models";
  all.count = 0;
  all.base_port = 70'000;
  all.health = "health";
  all.env = {"novalue"};
  const auto parsed = hale::make_cluster(all);
  BOOST_TEST(!parsed.spec.has_value());
  const words expected = {"--env: expected NAME=value, found \"novalue\"",
                          "--count: expected a whole number from 1 to 10000",
                          "--base-port: expected a port from 1 to 65535",
                          "--name: the name \"my models\" may hold only letters, digits and . _ - : @",
                          "COMMAND: unknown placeholder {prot}: did you mean {port}?",
                          "--health: expected a path that begins with /; host and port have keys of their own"};
  BOOST_TEST(parsed.errors == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_option_is_checked) {
  const auto first_error = [](auto change) {
    hale::command_line line = line_of({"x"});
    change(line);
    const auto parsed = hale::make_cluster(line);
    return parsed.errors.size() == 1 ? parsed.errors[0] : std::to_string(parsed.errors.size()) + " errors";
  };
  using line = hale::command_line;
  BOOST_TEST(first_error([](line& l) { l.command.clear(); }) ==
             "COMMAND: expected the program and its arguments, such as [\"ollama\", \"serve\"]");
  BOOST_TEST(first_error([](line& l) { l.health = "/h"; }) ==
             "--health: the service has no port: set base_port or ports, or give the probe its own port");
  BOOST_TEST(first_error([](line& l) { l.command.push_back("{port}"); }) ==
             "COMMAND: {port} is used, but the service has no port: set base_port or ports");
  BOOST_TEST(first_error([](line& l) { l.port_offset = 3; }) == "--port-offset: there is no base_port to count from");
  BOOST_TEST(first_error([](line& l) { l.names = {"a", "a"}; }) ==
             "--names: there is already an instance \"a\" in service x");
  BOOST_TEST(first_error([](line& l) {
               l.names = {"a", "b"};
               l.count = 3;
             }) == "--count: 3 instances, but 2 names: the names alone are enough");
  BOOST_TEST(first_error([](line& l) {
               l.base_port = 65'000;
               l.count = 100;
               l.command.push_back("{port}");
             }) == "--base-port: the port of the last instance, 65000 + 100 × 10 = 66000, is beyond 65535");
  BOOST_TEST(first_error([](line& l) { l.env = {"A={nam}"}; }) ==
             "--env: unknown placeholder {nam}: did you mean {name}?");
}
