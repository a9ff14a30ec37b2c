#include "hale/control/control_access.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace hale;

namespace {

http_request with(std::vector<std::pair<std::string, std::string>> fields) {
  http_request request;
  for (auto& [name, value] : fields) request.headers.add(name, value);
  return request;
}

bool allowed(const http_request& request) {
  return control_access::for_token("secret", "10.1.2.3").refusal(request, {}).empty();
}

}  // namespace

BOOST_AUTO_TEST_CASE(on_a_unix_socket_the_own_user_and_root_are_allowed) {
  const control_access access = control_access::for_user(1000);
  http_peer peer;
  BOOST_TEST(access.refusal({}, peer).find("control socket") != std::string::npos);
  for (const std::uint32_t user : {0u, 1000u}) {
    peer.user = user;
    BOOST_TEST(access.refusal({}, peer) == "");
  }
  for (const std::uint32_t user : {1u, 999u, 1001u, 4294967295u}) {
    peer.user = user;
    BOOST_TEST(access.refusal({}, peer).find("as user 1000") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(over_tcp_the_token_the_host_and_the_origin_must_be_right) {
  const std::pair<std::string, std::string> token = {"Authorization", "Bearer secret"};
  for (const std::string host : {"localhost", "localhost:7420", "127.0.0.1:7420", "[::1]:7420", "10.1.2.3:7420"}) {
    BOOST_TEST(allowed(with({{"Host", host}, token})), host);
  }
  for (const std::string host : {"", "evil.example", "evil.example:7420", "localhost.evil.example", "[::1", "10.1.2.4"}) {
    BOOST_TEST(!allowed(with({{"Host", host}, token})), host);
  }
  BOOST_TEST(!allowed(with({token})));
  BOOST_TEST(!allowed(with({{"Host", "localhost"}, {"Host", "localhost"}, token})));
  BOOST_TEST(allowed(with({{"Host", "localhost"}, {"Origin", "http://localhost:7420"}, token})));
  for (const std::string origin : {"null", "", "http://evil.example", "http://localhost.evil.example", "localhost"}) {
    BOOST_TEST(!allowed(with({{"Host", "localhost"}, {"Origin", origin}, token})), origin);
  }
  BOOST_TEST(!allowed(with({{"Host", "localhost"}})));
  for (const std::string bad : {"", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer SECRET",
                                "Basic secret", "Bearer secretsecret"}) {
    BOOST_TEST(!allowed(with({{"Host", "localhost"}, {"Authorization", bad}})), bad);
  }
}

RC_BOOST_PROP(comparing_in_constant_time_is_comparing, (const std::string& a, const std::string& b)) {
  RC_ASSERT(equal_in_constant_time(a, b) == (a == b));
  RC_ASSERT(equal_in_constant_time(a, a));
}
