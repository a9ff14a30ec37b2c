#include "hale/config/presets.hpp"

#include <algorithm>
#include <array>

namespace hale {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct preset {
  std::string_view name;
  std::string_view start_path;  ///< empty: the health path
  std::string_view health_path;
  seconds interval;
  seconds timeout;
  seconds start_stall;
  minutes start_timeout;
  seconds stop_timeout;
};

constexpr std::array<preset, 10> presets = {{
    // name          start              health               every       within       stall         cap          stop
    {"llama-server", "", "/health", seconds(2), seconds(3), seconds(120), minutes(20), seconds(10)},
    // The server itself is up at once: models load with the first request.
    {"ollama", "", "/api/version", seconds(5), seconds(3), seconds(60), minutes(5), seconds(15)},
    {"vllm", "", "/health", seconds(5), seconds(5), seconds(300), minutes(20), seconds(30)},
    // Its health request generates a token, and waits behind long prompts.
    {"sglang", "", "/health", seconds(10), seconds(30), seconds(300), minutes(20), seconds(30)},
    {"tei", "", "/health", seconds(5), seconds(5), seconds(120), minutes(20), seconds(10)},
    {"tgi", "", "/health", seconds(5), seconds(5), seconds(300), minutes(20), seconds(10)},
    // Ready drops while a model is loaded on request, so only the start waits for it.
    {"triton", "/v2/health/ready", "/v2/health/live", seconds(5), seconds(5), seconds(300), minutes(20), seconds(30)},
    {"lmstudio", "", "/v1/models", seconds(5), seconds(5), seconds(120), minutes(20), seconds(10)},
    {"ray-serve", "", "/-/healthz", seconds(10), seconds(5), seconds(300), minutes(20), seconds(30)},
    {"http", "", "/health", seconds(5), seconds(3), seconds(120), minutes(20), seconds(10)},
}};

service_spec to_service(const preset& from) {
  service_spec service;
  service.health.emplace();
  service.health->path = from.health_path;
  service.health->interval = from.interval;
  service.health->timeout = from.timeout;
  if (!from.start_path.empty()) {
    service.start_probe = service.health;
    service.start_probe->path = from.start_path;
  }
  service.start.stall = from.start_stall;
  service.start.timeout = from.start_timeout;
  service.stop.timeout = from.stop_timeout;
  // Without it a crashing llama-server runs a debugger on itself, and hangs where it must not.
  if (from.name == "llama-server") service.env["GGML_NO_BACKTRACE"] = "1";
  return service;
}

}  // namespace

std::optional<service_spec> find_preset(std::string_view name) {
  const auto* found =
      std::find_if(presets.begin(), presets.end(), [&](const preset& each) { return each.name == name; });
  if (found == presets.end()) return std::nullopt;
  return to_service(*found);
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const preset& each : presets) names.push_back(each.name);
  return names;
}

}  // namespace hale
