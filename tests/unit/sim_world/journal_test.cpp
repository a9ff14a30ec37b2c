// A journal on a disk that crashes, is full or does not sync: fsync(2), write(2).
#include "hale/sim/world/simulated_journal.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "hale/base/error.hpp"
#include "unit/sim_world/bed.hpp"

using namespace hale;
using namespace hale::sim;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using lines = std::vector<std::string>;

struct disk_bed : sim::test::bed {
  explicit disk_bed(std::uint64_t seed = 1) : bed({}, seed) {}
  simulated_disk disk{chance};
  simulated_journal book{disk, here.clock()};
  lines contents() { return run(book.replay())->records; }
  bool torn() { return run(book.replay())->tail_was_torn; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(what_was_appended_is_read_back_in_order) {
  disk_bed is;
  BOOST_TEST(!is.book.append("one"));
  BOOST_TEST(!is.run(is.book.sync(is.in(seconds(1)))));
  BOOST_TEST(!is.book.append("two"));
  BOOST_TEST(is.contents() == (lines{"one", "two"}), boost::test_tools::per_element());
  BOOST_TEST(!is.torn());
}

BOOST_AUTO_TEST_CASE(after_a_crash_what_was_synced_is_there_and_of_the_rest_a_beginning) {
  int kept = 0;
  int lost = 0;
  int torn = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    disk_bed is(seed);
    for (const char* text : {"a", "b"}) BOOST_TEST(!is.book.append(text));
    BOOST_TEST(!is.run(is.book.sync(is.in(seconds(1)))));
    for (const char* text : {"c", "d"}) BOOST_TEST(!is.book.append(text));
    is.disk.crash();
    const auto found = is.run(is.book.replay());
    const lines all{"a", "b", "c", "d"};
    BOOST_TEST(found->records.size() >= 2u);
    BOOST_TEST(std::equal(found->records.begin(), found->records.end(), all.begin()));
    kept += found->records.size() == 4 ? 1 : 0;
    lost += found->records.size() < 4 ? 1 : 0;
    torn += found->tail_was_torn ? 1 : 0;
    BOOST_TEST(!is.torn());  // it was cut off
  }
  BOOST_TEST(kept > 10);
  BOOST_TEST(lost > 10);
  BOOST_TEST(torn > 10);
  BOOST_TEST(torn < lost);
}

BOOST_AUTO_TEST_CASE(a_crash_under_way_in_a_sync_may_lose_what_it_covers) {
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 50 && !lost; ++seed) {
    disk_bed is(seed);
    BOOST_TEST(!is.book.append("one"));
    BOOST_TEST((is.run(is.book.sync(is.in(microseconds(10)))) == errc::timed_out));
    is.disk.crash();
    lost = is.contents().empty();
  }
  BOOST_TEST(lost);
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_makes_nothing_durable) {  // fsync(2): EIO
  disk_bed is;
  is.disk.sync_fails = system_error(EIO);
  BOOST_TEST(!is.book.append("one"));
  BOOST_TEST((is.run(is.book.sync(is.in(seconds(1)))) == std::errc::io_error));
  BOOST_TEST(is.contents().size() == 1u);  // still in memory
}

BOOST_AUTO_TEST_CASE(an_append_to_a_full_disk_or_beyond_the_bound_is_refused) {  // write(2): ENOSPC
  disk_bed is;
  is.disk.append_fails = system_error(ENOSPC);
  BOOST_TEST((is.book.append("one") == std::errc::no_space_on_device));
  is.disk.append_fails = {};
  BOOST_TEST((is.book.append(std::string(journal::max_record_bytes + 1, 'x')) == errc::too_large));
  BOOST_TEST(is.contents().empty());
}

BOOST_AUTO_TEST_CASE(a_compaction_is_whole_or_has_not_happened) {  // rename(2) is atomic
  disk_bed is;
  for (const char* text : {"a", "b", "c"}) BOOST_TEST(!is.book.append(text));
  BOOST_TEST(!is.run(is.book.sync(is.in(seconds(1)))));
  const auto compact = [](journal& book) -> task<void> {
    lines only;
    only.push_back("abc");
    auto compacting = book.compact(std::move(only), deadline::never());
    co_await std::move(compacting);
  };
  node& victim = is.time.add_node("victim");
  victim.start(compact(is.book));
  is.run_for(milliseconds(1));
  victim.kill();
  is.disk.crash();
  BOOST_TEST(is.contents().size() == 3u);
  is.disk.sync_fails = system_error(EIO);
  is.hand.start(compact(is.book));
  is.run_for(seconds(1));
  BOOST_TEST(is.contents().size() == 3u);
  is.disk.sync_fails = {};
  is.hand.start(compact(is.book));
  is.run_for(seconds(1));
  is.disk.crash();
  BOOST_TEST(is.contents() == (lines{"abc"}), boost::test_tools::per_element());
}
