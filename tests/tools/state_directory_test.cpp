#include "state_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <optional>

#include "files.hpp"

using namespace hale;
using namespace hale::cli;

namespace {

// A home of its own for each test; nothing is left of it.
class sandbox {
 public:
  sandbox() {
    BOOST_REQUIRE(mkdtemp(root_.data()) != nullptr);
    root_ = real_path(root_).value();
    setenv("XDG_RUNTIME_DIR", at("runtime").c_str(), 1);
    setenv("XDG_STATE_HOME", at("state").c_str(), 1);
    BOOST_REQUIRE(!make_directories(at("cwd"), 0700));
    BOOST_REQUIRE(chdir(at("cwd").c_str()) == 0);
  }
  sandbox(const sandbox&) = delete;
  ~sandbox() {
    BOOST_TEST(chdir("/") == 0);
    remove_tree(root_);
  }
  std::string at(const std::string& name) const { return root_ + "/" + name; }

 private:
  std::string root_ = "/tmp/hale-state-test-XXXXXX";
};

state_directory claim(const std::string& path, const std::string& cluster) {
  auto claimed = state_directory::claim(path, cluster);
  BOOST_REQUIRE_MESSAGE(claimed, claimed.error_or_none().line);
  return std::move(*claimed);
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

}  // namespace

BOOST_AUTO_TEST_SUITE(state)

BOOST_FIXTURE_TEST_CASE(one_supervisor_per_state_directory, sandbox) {
  {
    const state_directory held = claim(at("deep/er"), "models");
    BOOST_TEST(is_running(held.path()));
    const auto second = state_directory::claim(at("deep/er"), "models");
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().exit_code == 1);
    BOOST_TEST(second.error().line.find("already running as pid " + std::to_string(getpid())) != std::string::npos);
  }
  BOOST_TEST(!is_running(at("deep/er")));
  claim(at("deep/er"), "models");
}

BOOST_FIXTURE_TEST_CASE(the_only_one_running_is_found_and_of_several_the_one_of_that_name, sandbox) {
  BOOST_TEST(find_state_directory("", "").error().exit_code == 3);
  const state_directory one = claim(at("one"), "alpha");
  BOOST_TEST(find_state_directory("", "").value() == one.path());
  const state_directory two = claim(at("two"), "beta");
  const auto either = find_state_directory("", "");
  BOOST_REQUIRE(!either);
  BOOST_TEST(either.error().exit_code == 2);
  BOOST_TEST(either.error().line.find("alpha") != std::string::npos);
  BOOST_TEST(find_state_directory("", "beta").value() == two.path());
  BOOST_TEST(find_state_directory(at("three"), "beta").value() == at("three"));
  BOOST_TEST(find_state_directory("", "gamma").value() == at("state/hale/gamma"));
}

BOOST_FIXTURE_TEST_CASE(a_cluster_file_here_says_which_of_several_is_meant, sandbox) {
  const state_directory one = claim(at("one"), "alpha");
  const state_directory two = claim(at("two"), "beta");
  BOOST_REQUIRE(!write_file(at("cwd/hale.toml"), "[cluster]\nstate_dir = \"" + at("two") +
                                                    "\"\n[service.a]\ncommand = [\"sleep\", \"1\"]\n"));
  BOOST_TEST(find_state_directory("", "").value() == two.path());
}

BOOST_FIXTURE_TEST_CASE(a_socket_path_too_long_for_the_kernel_is_replaced_and_noted, sandbox) {
  const std::string deep = at(std::string(100, 'x') + "/" + std::string(100, 'y'));
  {
    const state_directory held = claim(deep, "models");
    BOOST_TEST(held.control_socket().size() < 108u);
    BOOST_TEST(held.notify_socket().size() < 108u);
    BOOST_TEST(held.control_socket() != held.notify_socket());
    BOOST_TEST(control_socket_of(deep) == held.control_socket());
  }
  BOOST_TEST(!exists(deep + "/control.path"));
  BOOST_TEST(control_socket_of(at("short")) == at("short/control.sock"));
}

BOOST_FIXTURE_TEST_CASE(a_directory_that_cannot_be_made_is_an_error_that_names_it, sandbox) {
  BOOST_REQUIRE(!write_file(at("occupied"), "a file"));
  const auto refused = state_directory::claim(at("occupied/state"), "models");
  BOOST_REQUIRE(!refused);
  BOOST_TEST(refused.error().exit_code == 1);
  BOOST_TEST(refused.error().line.find(at("occupied/state")) != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_others_could_read_or_write_is_closed, sandbox) {
  const state_directory held = claim(at("one"), "alpha");
  for (const std::string& path : {held.path(), held.logs(), held.path() + "/lock", at("runtime/hale")}) {
    struct stat what {};
    BOOST_REQUIRE(stat(path.c_str(), &what) == 0);
    BOOST_TEST((what.st_mode & 077) == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
