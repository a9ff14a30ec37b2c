#include "answer.hpp"

namespace demo {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
  }
}

std::string json_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result += '"';
}

}  // namespace

std::string response(int status, std::string_view content_type, std::string_view body) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + ' ';
  text.append(reason_phrase(status)).append("\r\ncontent-type: ").append(content_type);
  text.append("\r\ncontent-length: ").append(std::to_string(body.size())).append("\r\nconnection: close\r\n\r\n");
  return text.append(body);
}

std::string json_response(int status, std::string_view body) { return response(status, "application/json", body); }

std::string loading_response() {
  return json_response(503, R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})");
}

std::string completion_response(std::string_view model, bool right) {
  const std::string_view text = right ? " the model server is alive and well" : " @@@@@@@@@@@@@@@@";
  return json_response(200, R"({"object":"text_completion","model":)" + json_quoted(model) +
                                R"(,"choices":[{"index":0,"text":)" + json_quoted(text) +
                                R"(,"finish_reason":"stop"}],"usage":{"completion_tokens":)" +
                                std::to_string(tokens_per_completion) + R"(,"prompt_tokens":2}})");
}

std::string models_response(std::string_view model) {
  return json_response(200, R"({"object":"list","data":[{"id":)" + json_quoted(model) +
                                R"(,"object":"model","owned_by":"llamacpp"}]})");
}

std::string metrics_response(std::uint64_t requests_processing, std::uint64_t tokens_predicted) {
  return response(200, "text/plain; version=0.0.4",
                  "# TYPE llamacpp:requests_processing gauge\nllamacpp:requests_processing " +
                      std::to_string(requests_processing) +
                      "\n# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_deferred 0\n"
                      "# TYPE llamacpp:tokens_predicted_total counter\nllamacpp:tokens_predicted_total " +
                      std::to_string(tokens_predicted) + "\n");
}

}  // namespace demo
