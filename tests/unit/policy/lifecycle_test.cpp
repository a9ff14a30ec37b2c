#include "hale/policy/lifecycle.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <utility>
#include <vector>

namespace {

using enum hale::instance_state;

const std::vector<hale::instance_state> all = {stopped, waiting, starting, serving, stopping,
                                               cooling, held,    foreign,  finished};

std::set<hale::instance_state> reachable_from(hale::instance_state origin) {
  std::set<hale::instance_state> seen;
  std::vector<hale::instance_state> open = {origin};
  while (!open.empty()) {
    const auto from = open.back();
    open.pop_back();
    for (auto to : all) {
      if (hale::is_legal(from, to) && seen.insert(to).second) open.push_back(to);
    }
  }
  return seen;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_legal_transitions_are_exactly_these) {
  const std::set<std::pair<hale::instance_state, hale::instance_state>> legal = {
      {stopped, waiting},   {waiting, starting}, {waiting, foreign},  {waiting, cooling},  {waiting, held},
      {waiting, stopped},   {starting, serving}, {starting, stopping}, {starting, waiting}, {starting, cooling},
      {starting, held},     {starting, finished}, {serving, stopping}, {serving, waiting},  {serving, cooling},
      {serving, held},      {serving, finished}, {stopping, stopped}, {stopping, waiting}, {stopping, cooling},
      {stopping, held},     {cooling, waiting},  {cooling, stopped},  {held, waiting},     {held, stopped},
      {foreign, waiting},   {foreign, stopped},  {finished, waiting}, {finished, stopped}};
  for (auto from : all) {
    for (auto to : all) {
      BOOST_CHECK_MESSAGE(hale::is_legal(from, to) == legal.contains({from, to}),
                          hale::to_string(from) << " to " << hale::to_string(to));
    }
  }
}

BOOST_AUTO_TEST_CASE(stop_is_legal_from_everywhere) {
  for (auto from : all) {
    if (from == stopped || from == stopping) continue;
    BOOST_CHECK(hale::is_legal(from, hale::has_process(from) ? stopping : stopped));
  }
  BOOST_CHECK(hale::is_legal(stopping, stopped));
}

BOOST_AUTO_TEST_CASE(every_state_can_be_reached_and_left_again) {
  for (auto from : all) BOOST_CHECK_EQUAL(reachable_from(from).size(), all.size());
}

BOOST_AUTO_TEST_CASE(no_transition_leads_nowhere) {
  for (auto state : all) BOOST_CHECK(!hale::is_legal(state, state));
}

BOOST_AUTO_TEST_CASE(a_process_begins_in_starting_only) {
  for (auto from : all) {
    for (auto to : all) {
      if (!hale::has_process(from) && hale::has_process(to) && hale::is_legal(from, to)) {
        BOOST_CHECK(from == waiting && to == starting);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_state_has_its_own_spelling) {
  std::set<std::string_view> spellings;
  for (auto state : all) spellings.insert(hale::to_string(state));
  BOOST_CHECK_EQUAL(spellings.size(), all.size());
  BOOST_CHECK_EQUAL(hale::to_string(foreign), "foreign");
}
