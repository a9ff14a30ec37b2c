#include "hale/policy/cause.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

BOOST_AUTO_TEST_CASE(every_cause_has_its_own_spelling_and_is_read_back) {
  std::set<std::string_view> spellings;
  for (int i = 0; i <= static_cast<int>(hale::cause::unknown); ++i) {
    const auto value = static_cast<hale::cause>(i);
    BOOST_CHECK(spellings.insert(hale::to_string(value)).second);
    BOOST_CHECK(hale::cause_from_string(hale::to_string(value)) == value);
  }
  BOOST_CHECK_EQUAL(spellings.size(), 23U);
}

BOOST_AUTO_TEST_CASE(the_spellings_are_those_of_the_contract) {
  using enum hale::cause;
  BOOST_CHECK_EQUAL(hale::to_string(exec_failed), "exec_failed");
  BOOST_CHECK_EQUAL(hale::to_string(killed_by_signal), "killed_by_signal");
  BOOST_CHECK_EQUAL(hale::to_string(memory_limit), "memory_limit");
  BOOST_CHECK_EQUAL(hale::to_string(no_heartbeat), "no_heartbeat");
  BOOST_CHECK_EQUAL(hale::to_string(start_timeout), "start_timeout");
  BOOST_CHECK_EQUAL(hale::to_string(resource_exhausted), "resource_exhausted");
  BOOST_CHECK_EQUAL(hale::to_string(operator_request), "operator");
  BOOST_CHECK_EQUAL(hale::to_string(rollout), "rollout");
  BOOST_CHECK(!hale::cause_from_string("operator_request"));
  BOOST_CHECK(!hale::cause_from_string(""));
}
