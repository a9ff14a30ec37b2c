// What the demo model server answers: the same paths and bodies as llama.cpp's server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace demo {

/// A whole response, which ends the connection.
std::string response(int status, std::string_view content_type, std::string_view body);
std::string json_response(int status, std::string_view body);

std::string loading_response();
std::string completion_response(std::string_view model, bool right);
std::string models_response(std::string_view model);
std::string metrics_response(std::uint64_t requests_processing, std::uint64_t tokens_predicted);

inline constexpr std::uint64_t tokens_per_completion = 7;

}  // namespace demo
