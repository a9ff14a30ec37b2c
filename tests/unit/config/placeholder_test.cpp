#include "hale/heal/placeholder.hpp"

#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>

namespace {

hale::placeholder_values some_values() {
  hale::placeholder_values values;
  values.port = 11534;
  values.name = "llama3.1:8b";
  values.index = 0;
  values.service = "llama";
  values.incarnation = 3;
  values.base_port = 11434;
  return values;
}

std::string expanded(std::string_view text) {
  const auto outcome = hale::expand_placeholders(text, some_values());
  return outcome ? *outcome : "error: " + outcome.error();
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_placeholder_is_replaced) {
  BOOST_TEST(expanded("") == "");
  BOOST_TEST(expanded("plain") == "plain");
  BOOST_TEST(expanded("{port} {name} {index} {service} {incarnation} {base_port}") ==
             "11534 llama3.1:8b 0 llama 3 11434");
  BOOST_TEST(expanded("127.0.0.1:{port}/x{index}") == "127.0.0.1:11534/x0");
}

BOOST_AUTO_TEST_CASE(doubled_braces_are_braces_and_a_lone_closing_one_is_itself) {
  BOOST_TEST(expanded("{{port}}") == "{port}");
  BOOST_TEST(expanded("{{{port}}}") == "{11534}");
  BOOST_TEST(expanded("a}b") == "a}b");
  BOOST_TEST(expanded("}") == "}");
  BOOST_TEST(expanded("{{") == "{");
  BOOST_TEST(expanded("{port}}}") == "11534}");
}

BOOST_AUTO_TEST_CASE(mistakes_are_named_with_the_nearest_placeholder) {
  BOOST_TEST(expanded("{prot}") == "error: unknown placeholder {prot}: did you mean {port}?");
  BOOST_TEST(expanded("{model}") ==
             "error: unknown placeholder {model}; known are {port} {name} {index} {service} {incarnation} {base_port}; "
             "a literal { is written {{");
  BOOST_TEST(expanded("x{") == "error: { is never closed; a literal { is written {{");
  const auto error = hale::check_placeholders("ab{{{prot}");
  BOOST_TEST_REQUIRE(error.has_value());
  BOOST_TEST(error->offset == 4u);
  BOOST_TEST(!hale::check_placeholders("{port}:{{}}").has_value());
}

BOOST_AUTO_TEST_CASE(a_caller_may_know_other_placeholders) {
  const std::string_view known[] = {"summary"};
  BOOST_TEST(!hale::check_placeholders("{summary}", known).has_value());
  BOOST_TEST(hale::check_placeholders("{port}", known).has_value());
}

BOOST_AUTO_TEST_CASE(the_use_of_a_placeholder_is_seen) {
  BOOST_TEST(hale::uses_placeholder("a {port}", "port"));
  BOOST_TEST(!hale::uses_placeholder("a {{port}}", "port"));
  BOOST_TEST(!hale::uses_placeholder("{base_port}", "port"));
}

RC_BOOST_PROP(what_is_checked_without_a_mistake_can_be_expanded, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("{", "}", "{{", "}}", "{port}", "{name}", "port", "x"));
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  RC_ASSERT(hale::expand_placeholders(text, some_values()).has_value() == !hale::check_placeholders(text).has_value());
}

BOOST_AUTO_TEST_CASE(leading_assignments_of_a_command_are_environment) {
  const auto split = hale::split_environment_words({"OLLAMA_HOST=0.0.0.0:{port}", "_x1=", "ollama", "A=b", "serve"});
  BOOST_TEST_REQUIRE(split.environment.size() == 2u);
  BOOST_TEST(split.environment[0].first == "OLLAMA_HOST");
  BOOST_TEST(split.environment[0].second == "0.0.0.0:{port}");
  BOOST_TEST(split.environment[1].first == "_x1");
  BOOST_TEST(split.environment[1].second == "");
  BOOST_TEST(split.argv == (std::vector<std::string>{"ollama", "A=b", "serve"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(words_that_are_no_assignments_end_the_environment) {
  for (const std::string word : {"1A=b", "=b", "--env=K", "a.b=c", "", "NAME"}) {
    const auto split = hale::split_environment_words({word, "A=b"});
    BOOST_TEST(split.environment.empty());
    BOOST_TEST(split.argv.size() == 2u);
  }
  BOOST_TEST(hale::split_environment_words({"A=b"}).argv.empty());
}
