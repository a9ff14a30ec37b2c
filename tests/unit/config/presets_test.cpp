#include "hale/config/presets.hpp"

#include <boost/test/unit_test.hpp>

#include "hale/heal/validate.hpp"

using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(every_preset_makes_a_valid_service) {
  const auto names = hale::preset_names();
  BOOST_TEST(names.size() == 10u);
  for (const std::string_view name : names) {
    auto service = hale::find_preset(name);
    BOOST_TEST_REQUIRE(service.has_value());
    service->name = "s";
    service->command = {"x"};
    service->instances.resize(1);
    service->instances[0] = {"s", 8080};
    hale::cluster_spec cluster;
    cluster.services.push_back(*service);
    const auto faults = hale::validate(cluster);
    BOOST_TEST_CONTEXT(name) { BOOST_TEST(faults == std::vector<std::string>{}, boost::test_tools::per_element()); }
    BOOST_TEST(service->health.has_value());
    BOOST_TEST((service->start.stall < service->start.timeout));
  }
}

BOOST_AUTO_TEST_CASE(presets_know_their_servers) {
  BOOST_TEST(hale::find_preset("ollama")->health->path == "/api/version");
  BOOST_TEST((hale::find_preset("ollama")->stop.timeout == 15s));
  BOOST_TEST(hale::find_preset("llama-server")->env.at("GGML_NO_BACKTRACE") == "1");
  BOOST_TEST((hale::find_preset("vllm")->start.stall == 5min));
  BOOST_TEST((hale::find_preset("sglang")->health->timeout == 30s));
  BOOST_TEST(hale::find_preset("triton")->health->path == "/v2/health/live");
  BOOST_TEST(hale::find_preset("triton")->start_probe->path == "/v2/health/ready");
  BOOST_TEST(hale::find_preset("lmstudio")->health->path == "/v1/models");
  BOOST_TEST(hale::find_preset("ray-serve")->health->path == "/-/healthz");
  BOOST_TEST(!hale::find_preset("postgres").has_value());
  BOOST_TEST(!hale::find_preset("").has_value());
}
