#include "hale/record/history.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "hale/record/packed_event.hpp"
#include "record_support.hpp"
#include "support/manual_executor.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

event numbered(std::uint64_t sequence, std::string reason = "because") {
  event made;
  made.sequence = sequence;
  made.at = wall_time(std::chrono::seconds(sequence));
  made.service = "llama";
  made.instance = "llama-1";
  made.kind = event_kind::state;
  made.reason = std::move(reason);
  return made;
}

void tell(history& events, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t sequence = from; sequence <= to; ++sequence) events.on_event(numbered(sequence));
}

history_limits at_most(std::size_t events, std::size_t bytes = 1 << 20) {
  history_limits limits;
  limits.events = events;
  limits.bytes = bytes;
  return limits;
}

// Reads until the wait ends; sums what was read and missed.
task<std::error_code> follow(history& events, std::vector<std::uint64_t>& seen, std::uint64_t& missed) {
  history_reader reader(events, events.first());
  for (;;) {
    while (const auto what = reader.take()) {
      missed += reader.take_missed();
      seen.push_back(what->sequence);
    }
    const std::error_code why = co_await reader.wait();
    if (why) co_return why;
  }
}

}  // namespace

RC_BOOST_PROP(an_event_that_is_packed_and_unpacked_is_the_same, ()) {
  const event made = test::any_event();
  const std::string packed = pack(made);
  RC_ASSERT(test::same(unpack(packed, made.sequence), made));
  RC_ASSERT(packed_time(packed) == made.at);
}

BOOST_AUTO_TEST_CASE(an_event_of_any_size_packs_into_its_bound) {
  event made = numbered(1, std::string(100'000, 'r'));
  made.details.assign(10'000'000, 'd');
  for (std::string* text : {&made.service, &made.instance, &made.from, &made.to, &made.action}) text->assign(9999, 'x');
  const std::string packed = pack(made);
  BOOST_TEST(packed.size() <= max_packed_event_bytes);
  const event read = unpack(packed, 1);
  BOOST_TEST(read.reason == std::string(4096, 'r'));
  BOOST_TEST(read.details.size() > 8000u);
}

BOOST_AUTO_TEST_CASE(the_newest_events_are_kept) {
  history events(at_most(3));
  BOOST_TEST(events.first() == events.next());
  tell(events, 1, 5);
  BOOST_TEST(events.first() == 3u);
  BOOST_TEST(events.next() == 6u);
  BOOST_TEST(test::same(events.at(4), numbered(4)));
}

BOOST_AUTO_TEST_CASE(large_events_count_by_their_bytes) {
  history events(at_most(4096, 64 * 1024));
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence) {
    event made = numbered(sequence);
    made.details.assign(1'000'000, 'd');
    events.on_event(made);
    BOOST_TEST(events.bytes() <= 64u * 1024u);
  }
  BOOST_TEST(events.next() == 101u);
  BOOST_TEST(events.first() > 90u);
}

BOOST_AUTO_TEST_CASE(a_full_history_of_ordinary_events_fits_in_memory_set_aside_for_it) {
  history events;
  for (std::uint64_t sequence = 1; sequence <= 10'000; ++sequence) {
    event made = numbered(sequence, "3 consecutive failures: no answer within 3s from 127.0.0.1:11534");
    made.from = "serving";
    made.to = "stopping";
    made.cause = cause::hung;
    events.on_event(made);
  }
  BOOST_TEST(events.next() - events.first() == 4096u);
  BOOST_TEST(events.bytes() <= 768u * 1024u);
}

BOOST_AUTO_TEST_CASE(events_are_found_by_time) {
  history events(at_most(10));
  BOOST_TEST(events.first_since(wall_time(5s)) == events.next());
  tell(events, 1, 9);
  BOOST_TEST(events.first_since(wall_time(0s)) == 1u);
  BOOST_TEST(events.first_since(wall_time(4s + 1ns)) == 5u);
  BOOST_TEST(events.first_since(wall_time(100s)) == 10u);
}

BOOST_AUTO_TEST_CASE(a_history_that_is_subscribed_late_begins_with_what_it_is_told) {
  history events(at_most(10));
  events.on_event(numbered(7));
  BOOST_TEST(events.first() == 7u);
  BOOST_TEST(events.next() == 8u);
}

BOOST_AUTO_TEST_CASE(a_follower_sees_every_event_and_ends_when_cancelled) {
  test::manual_executor executor;
  history events(at_most(100));
  tell(events, 1, 3);
  std::vector<std::uint64_t> seen;
  std::uint64_t missed = 0;
  cancel_source source;
  root<std::error_code> follower(executor, follow(events, seen, missed), &source);
  executor.run();
  tell(events, 4, 5);
  executor.run();
  tell(events, 6, 6);
  executor.run();
  const std::vector<std::uint64_t> expected = {1, 2, 3, 4, 5, 6};
  BOOST_TEST(seen == expected, boost::test_tools::per_element());
  BOOST_TEST(missed == 0u);
  BOOST_TEST(!follower.done());
  source.cancel();
  executor.run();
  BOOST_TEST(follower.done());
  BOOST_TEST((follower.take() == errc::cancelled));
}

BOOST_AUTO_TEST_CASE(a_slow_follower_is_told_how_many_events_it_missed) {
  test::manual_executor executor;
  history events(at_most(4));
  std::vector<std::uint64_t> seen;
  std::uint64_t missed = 0;
  cancel_source source;
  root<std::error_code> follower(executor, follow(events, seen, missed), &source);
  executor.run();
  tell(events, 1, 10);  // all in one step: it could not read between
  executor.run();
  const std::vector<std::uint64_t> expected = {7, 8, 9, 10};
  BOOST_TEST(seen == expected, boost::test_tools::per_element());
  BOOST_TEST(missed == 6u);
  source.cancel();
  executor.run();
}
