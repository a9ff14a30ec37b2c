// What is known of well-known model servers: where their health shows, how long they take to start and to stop. A
// preset fills a service first; what the user writes overrides it key by key.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "hale/heal/spec.hpp"

namespace hale {

/// A service with the preset's values and neither name nor command; nothing when no preset is called so.
std::optional<service_spec> find_preset(std::string_view name);

/// All of them, in the order of the documentation.
std::vector<std::string_view> preset_names();

}  // namespace hale
