// Logs on a real disk: kept forms, rotation, what is never dropped, and disks that are full.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "os/fixture.hpp"

using namespace hale;
using namespace hale::test;

namespace {

void add(instance_log& to, std::uint64_t incarnation, std::string_view text) {
  log_line line;
  line.at = wall_time(std::chrono::milliseconds(1'700'000'000'123));
  line.incarnation = incarnation_number(incarnation);
  line.text = text;
  to.append(line);
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

log_limits limits_of(std::uint64_t size, std::uint32_t keep) {
  log_limits limits;
  limits.size_bytes = size;
  limits.keep = keep;
  return limits;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(logs)

BOOST_AUTO_TEST_CASE(a_line_is_kept_with_time_stream_and_incarnation) {
  const temporary_directory place;
  os::file_log_store store(place / "deep/logs");
  const auto log = store.open("llama3.1:8b", {});
  add(*log, 3, std::string_view("binary \0\xff", 9));
  log_line part;
  part.at = wall_time(std::chrono::milliseconds(1'700'000'000'123));
  part.incarnation = incarnation_number(3);
  part.stream = output_stream::err;
  part.goes_on = true;
  part.text = "long";
  log->append(part);
  log->flush();
  const std::string expected = std::string("2023-11-14T22:13:20.123Z out F 3 binary \0\xff\n", 43) +
                               "2023-11-14T22:13:20.123Z err P 3 long\n";
  BOOST_TEST(contents(place / "deep/logs/llama3.1:8b.log") == expected);
  BOOST_TEST(log->lines_lost() == 0u);
}

BOOST_AUTO_TEST_CASE(names_cannot_leave_the_directory) {
  BOOST_TEST(os::log_file_name("a.b-c_d:e@f") == "a.b-c_d:e@f");
  BOOST_TEST(os::log_file_name("../x") == "%2E.%2Fx");
  BOOST_TEST(os::log_file_name("..") == "%2E.");
}

BOOST_AUTO_TEST_CASE(the_tail_reaches_back_over_rotated_files) {
  const temporary_directory place;
  os::file_log_store store(place.path());
  const auto log = store.open("one", limits_of(400, 5));
  for (int number = 0; number < 30; ++number) add(*log, 1, "line " + std::to_string(number)), log->flush();
  const std::vector<std::string> newest = log->tail(20);
  BOOST_TEST_REQUIRE(newest.size() == 20u);
  for (std::size_t at = 0; at < 20; ++at) BOOST_TEST(newest[at].ends_with(" line " + std::to_string(at + 10)));
  BOOST_TEST(std::filesystem::exists(place / "one.log.2"));
  BOOST_TEST(log->tail(0).empty());
  BOOST_TEST(store.open("other", {})->tail(5).empty());
}

BOOST_AUTO_TEST_CASE(only_so_many_files_are_kept_and_the_newest_lines_are_gapless) {
  const temporary_directory place;
  os::file_log_store store(place.path());
  const auto log = store.open("one", limits_of(200, 3));
  for (int number = 0; number < 200; ++number) add(*log, 1, std::to_string(number)), log->flush();
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(place.path())) ++files;
  BOOST_TEST(files == 3u);
  const std::vector<std::string> all = log->tail(1000);
  BOOST_TEST_REQUIRE(!all.empty());
  for (std::size_t back = 0; back < all.size(); ++back) {
    BOOST_TEST(all[all.size() - 1 - back].ends_with(" 1 " + std::to_string(199 - back)));
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_the_run_before_outlives_a_noisy_successor) {
  const temporary_directory place;
  {
    os::file_log_store store(place.path());
    const auto log = store.open("one", limits_of(300, 3));
    add(*log, 1, "an older run");
    add(*log, 2, "last words");
    for (int number = 0; number < 100; ++number) add(*log, 3, "noise"), log->flush();
    BOOST_TEST(contents(place / "one.log.2").find("last words") != std::string::npos);
  }
  // Also when the supervisor was started anew meanwhile.
  os::file_log_store store(place.path());
  const auto log = store.open("one", limits_of(300, 3));
  for (int number = 0; number < 100; ++number) add(*log, 3, "more noise"), log->flush();
  BOOST_TEST(contents(place / "one.log.2").find("last words") != std::string::npos);
  add(*log, 4, "newest run");
  for (int number = 0; number < 100; ++number) add(*log, 4, "noise"), log->flush();
  bool found = false;
  for (const char* name : {"one.log", "one.log.1", "one.log.2"}) {
    const std::string text = contents(place / name);
    found = found || text.find(" 3 more noise") != std::string::npos;
    BOOST_TEST(text.find("last words") == std::string::npos);
  }
  BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE(a_torn_last_line_is_followed_by_a_fresh_one) {
  const temporary_directory place;
  std::ofstream(place / "one.log") << "2023-11-14T22:13:20.123Z out F 1 whole\n2023-11-14T22:1";
  os::file_log_store store(place.path());
  const auto log = store.open("one", {});
  add(*log, 2, "after the crash");
  const std::vector<std::string> all = log->tail(10);
  BOOST_TEST_REQUIRE(all.size() == 3u);
  BOOST_TEST(all[0].ends_with("whole"));
  BOOST_TEST(all[2].ends_with("Z out F 2 after the crash"));
}

BOOST_AUTO_TEST_CASE(logs_that_take_turns_share_a_buffer_and_mix_nothing) {
  const temporary_directory place;
  os::file_log_store store(place.path());
  auto left = store.open("left", {});
  auto right = store.open("right", {});
  for (int number = 0; number < 10; ++number) {
    add(*left, 1, "left");
    add(*right, 1, "right");
  }
  BOOST_TEST(left->tail(100).size() == 10u);
  BOOST_TEST(right->tail(100).size() == 10u);
  add(*left, 1, "last");
  left.reset();
  BOOST_TEST(contents(place / "left.log").ends_with("last\n"));
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_written_loses_lines_and_counts_them) {
  const temporary_directory place;
  std::ofstream(place / "file") << "not a directory";
  os::file_log_store store(place / "file/logs");
  const auto log = store.open("one", {});
  add(*log, 1, "lost");
  add(*log, 1, "lost too");
  log->flush();
  BOOST_TEST(log->lines_lost() == 2u);
  std::filesystem::remove(place / "file");
  add(*log, 1, "kept");
  log->flush();
  BOOST_TEST(log->lines_lost() == 2u);
  BOOST_TEST(log->tail(10).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_loses_lines_counts_them_and_is_survived) {
  const temporary_directory place;
  const std::string small = place / "small";
  ::mkdir(small.c_str(), 0700);
  if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=16k") != 0) {
    BOOST_TEST_MESSAGE("skipped: no small file system can be mounted here");
    return;
  }
  {
    os::file_log_store store(small);
    const auto log = store.open("one", {});
    const std::string line(1000, 'x');
    for (int number = 0; number < 40; ++number) {
      add(*log, 1, line);
      log->flush();
    }
    const std::uint64_t lost = log->lines_lost();
    BOOST_TEST(lost > 20u);
    BOOST_TEST(log->tail(100).size() == 40 - lost);
    for (const std::string& kept : log->tail(100)) BOOST_TEST(kept.ends_with(line));
    std::ofstream(small + "/one.log", std::ios::trunc).close();
    add(*log, 1, "room again");
    const std::vector<std::string> after = log->tail(10);
    BOOST_TEST_REQUIRE(!after.empty());
    BOOST_TEST(after.back().ends_with("Z out F 1 room again"));
    BOOST_TEST(log->lines_lost() == lost);
  }
  ::umount(small.c_str());
}

BOOST_AUTO_TEST_SUITE_END()
