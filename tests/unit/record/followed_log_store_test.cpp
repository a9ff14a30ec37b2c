#include "hale/record/followed_log_store.hpp"

#include <boost/test/unit_test.hpp>

#include "record_support.hpp"
#include "support/manual_executor.hpp"

using namespace hale;
using namespace std::chrono_literals;

namespace {

class plain_log final : public instance_log {
 public:
  void append(const log_line& line) noexcept override { lines.push_back(kept_form(line)); }
  void flush() noexcept override { ++flushes; }
  std::vector<std::string> tail(std::size_t count) const override {
    return {lines.end() - static_cast<std::ptrdiff_t>(std::min(count, lines.size())), lines.end()};
  }
  std::uint64_t lines_lost() const noexcept override { return 5; }
  std::vector<std::string> lines;
  int flushes = 0;
};

class plain_store final : public log_store {
 public:
  std::unique_ptr<instance_log> open(std::string_view, log_limits) override {
    auto made = std::make_unique<plain_log>();
    last = made.get();
    return made;
  }
  plain_log* last = nullptr;
};

log_line line(std::string_view text) {
  log_line made;
  made.at = wall_time(1'795'292'700'123ms);
  made.incarnation = incarnation_number(2);
  made.text = text;
  return made;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_kept_form_is_that_of_the_contract) {
  log_line made = line("hello \xff");
  BOOST_TEST(kept_form(made) == "2026-11-21T20:25:00.123Z out F 2 hello \xff");
  made.stream = output_stream::err;
  made.goes_on = true;
  BOOST_TEST(kept_form(made) == "2026-11-21T20:25:00.123Z err P 2 hello \xff");
}

BOOST_AUTO_TEST_CASE(a_followed_log_keeps_everything_in_the_other_store) {
  plain_store kept;
  followed_log_store store(kept);
  const auto log = store.open("a", {});
  log->append(line("one"));
  log->flush();
  BOOST_TEST(kept.last->lines.size() == 1u);
  BOOST_TEST(kept.last->flushes == 1);
  BOOST_TEST(log->tail(3).size() == 1u);
  BOOST_TEST(log->lines_lost() == 5u);
}

BOOST_AUTO_TEST_CASE(a_follower_gets_the_lines_of_its_instance_and_of_no_other) {
  plain_store kept;
  followed_log_store store(kept);
  const auto a = store.open("a", {});
  const auto b = store.open("b", {});
  a->append(line("before"));
  log_follower follower(store, "a");
  log_follower second(store, "a");
  a->append(line("one"));
  b->append(line("other"));
  a->append(line("two"));
  for (log_follower* each : {&follower, &second}) {
    BOOST_TEST(each->take().value() == kept_form(line("one")));
    BOOST_TEST(each->take().value() == kept_form(line("two")));
    BOOST_TEST(!each->take().has_value());
    BOOST_TEST(each->take_missed() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_follower_that_does_not_read_loses_the_oldest_and_is_told) {
  plain_store kept;
  followed_log_store store(kept);
  const auto log = store.open("a", {});
  log_follower follower(store, "a");
  const std::string text(1000, 'x');
  for (int i = 0; i < 1000; ++i) log->append(line(text));
  std::uint64_t read = 0;
  std::size_t bytes = 0;
  while (const auto taken = follower.take()) {
    ++read;
    bytes += taken->size();
  }
  BOOST_TEST(bytes <= log_follower::max_bytes);
  BOOST_TEST(read > 100u);
  BOOST_TEST(follower.take_missed() + read == 1000u);
  BOOST_TEST(follower.take_missed() == 0u);
}

BOOST_AUTO_TEST_CASE(a_line_longer_than_the_bound_still_arrives) {
  plain_store kept;
  followed_log_store store(kept);
  const auto log = store.open("a", {});
  log_follower follower(store, "a");
  const std::string text(log_follower::max_bytes * 2, 'x');
  log->append(line(text));
  BOOST_TEST(follower.take().value().size() > text.size());
}

BOOST_AUTO_TEST_CASE(a_follower_may_leave_at_any_time) {
  plain_store kept;
  followed_log_store store(kept);
  const auto log = store.open("a", {});
  {
    const log_follower follower(store, "a");
    log->append(line("one"));
  }
  log->append(line("two"));
  BOOST_TEST(kept.last->lines.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_new_line_wakes_its_followers) {
  test::manual_executor executor;
  plain_store kept;
  followed_log_store store(kept);
  const auto log = store.open("a", {});
  log_follower follower(store, "a");
  auto waiting = [&]() -> task<std::error_code> { co_return co_await follower.wait(deadline(instant(5s))); };
  {
    root<std::error_code> root(executor, waiting());
    executor.run_ready();
    BOOST_TEST(!root.done());
    log->append(line("one"));
    executor.run_ready();
    BOOST_TEST(root.done());
    BOOST_TEST(!root.take());
  }
  BOOST_TEST(follower.take().has_value());
  BOOST_TEST((executor.run(waiting()) == errc::timed_out));
}
