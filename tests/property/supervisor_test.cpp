// A supervisor through random chaos: whatever happens, and in whatever order, what behaviour promises about the lives
// of instances holds at every step, it heals when it can, and it ends when asked to.
#include <rapidcheck/boost_test.h>

#include <boost/test/unit_test.hpp>
#include <memory>
#include <sstream>

#include "property/own_process.hpp"
#include "property/watched_cluster.hpp"

namespace {

using namespace hale::test;

constexpr unsigned limit_seconds = 20;

rc::Gen<bool> one_in(int many) {
  return rc::gen::map(rc::gen::inRange(0, many), [many](int drawn) { return drawn == many - 1; });
}

rc::Gen<cluster_shape> any_shape() {
  using rc::gen::inRange;
  using rc::gen::set;
  using shape = cluster_shape;
  return rc::gen::build<cluster_shape>(
      set(&shape::web_instances, inRange<std::uint8_t>(1, 6)), set(&shape::attempts, inRange<std::uint8_t>(0, 4)),
      set(&shape::concurrency, inRange<std::uint8_t>(1, 4)), set(&shape::max_unavailable, inRange<std::uint8_t>(0, 3)),
      set(&shape::draw, inRange<std::uint8_t>(0, 4)), set(&shape::loads, one_in(2)), set(&shape::besieged, one_in(6)),
      set(&shape::gives_up, one_in(3)), set(&shape::staggers, one_in(2)), set(&shape::lenient, one_in(2)),
      set(&shape::ends_wild, one_in(3)));
}

std::string shown(const chaos_step& step) {
  std::ostringstream text;
  showValue(step, text);
  return text.str();
}

/// The first broken promise; empty: none. What breaks one is left as it is, for it cannot be trusted to end.
std::string live_through(const cluster_shape& shape, const std::vector<chaos_step>& steps,
                         own_process<edge_counts>& here) {
  auto cluster = std::make_unique<watched_cluster>(shape, here.report());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    here.say(fmt::format("step {}: {}", i + 1, shown(steps[i])));
    const std::string& fault = cluster->take(steps[i]);
    if (!fault.empty()) return fmt::format("step {}: {}", i + 1, (cluster.release(), fault));
  }
  here.say("the end");
  const std::string& fault = cluster->end();
  if (!fault.empty()) return fmt::format("at the end: {}", (cluster.release(), fault));
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(whatever_happens_the_promises_hold_and_every_way_between_states_is_taken) {
  own_process<edge_counts> child;
  const auto body = [&] {
    const auto shape = *any_shape();
    const auto steps = *rc::gen::container<std::vector<chaos_step>>(any_chaos_step());
    const std::string fault = child.run([&] { return live_through(shape, steps, child); }, limit_seconds);
    if (!fault.empty()) RC_FAIL(fault);
  };
  auto params = rc::detail::configuration().testParams;
  params.maxSuccess *= 8;  // it is the widest field
  rc::detail::TestMetadata who;
  who.id = boost::unit_test::framework::current_test_case().full_name();  // by it a failure is reproduced
  const auto result = rc::detail::checkTestable(body, who, params);
  std::ostringstream told;
  rc::detail::printResultMessage(result, told);
  BOOST_TEST_REQUIRE(result.is<rc::detail::SuccessResult>(), told.str());
  if (params.maxSuccess < 800) return;
  for (const auto& [from, successors] : legal_successors) {
    for (const std::string_view to : successors) {
      const auto times = child.report()[state_index(from)][state_index(to)];
      BOOST_TEST_MESSAGE(from << " to " << to << ": " << times);
      BOOST_TEST(times > 0U, from << " to " << to << " was never taken");
    }
  }
}
