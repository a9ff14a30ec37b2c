#include "hale/wire/http_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace hale {

namespace {

char lower(char letter) noexcept { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; }

bool same_name(std::string_view left, std::string_view right) noexcept {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char letter) {
    const char small = lower(letter);
    return (small >= 'a' && small <= 'z') || (letter >= '0' && letter <= '9') ||
           marks.find(letter) != std::string_view::npos;
  });
}

bool is_target(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) { return letter > ' ' && letter < 127; });
}

// Words of a reason or a field: no control character but tab; bytes above ASCII pass.
bool is_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte == '\t' || (byte >= ' ' && byte != 127);
  });
}

bool is_framing(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> ours{"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"};
  return std::any_of(ours.begin(), ours.end(), [&](std::string_view own) { return same_name(own, name); });
}

bool append_fields(std::string& out, const http_headers& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name) || !is_text(value)) return false;
    if (is_framing(name)) continue;
    fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
  }
  return true;
}

void append_length(std::string& out, std::size_t length) {
  fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", length);
}

// RFC 9110, 6.4.1: these never have a body.
bool is_bodiless(int status) noexcept { return status < 200 || status == 204 || status == 304; }

}  // namespace

const std::string* http_headers::find(std::string_view name) const noexcept {
  const auto at = std::find_if(begin(), end(), [&](const field& each) { return same_name(each.first, name); });
  return at == end() ? nullptr : &at->second;
}

std::size_t http_headers::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [&](const field& each) { return same_name(each.first, name); }));
}

std::string_view http_reason(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "";
  }
}

result<std::string> serialise(const http_request& request) {
  if (!is_token(request.method) || !is_target(request.target)) return errc::malformed;
  std::string out = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  if (request.headers.find("Host") == nullptr) out += "Host: localhost\r\n";
  if (!append_fields(out, request.headers)) return errc::malformed;
  const bool wants_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (wants_body || !request.body.empty()) append_length(out, request.body.size());
  out += "Connection: close\r\n\r\n";
  out += request.body;
  return out;
}

result<std::string> serialise(const http_response& response, http_framing framing, bool head_only) {
  if (response.status < 100 || response.status > 999 || !is_text(response.reason)) return errc::malformed;
  const std::string_view reason = response.reason.empty() ? http_reason(response.status) : response.reason;
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason);
  if (!append_fields(out, response.headers)) return errc::malformed;
  const bool whole = framing == http_framing::length || framing == http_framing::length_close;
  const bool bodiless = is_bodiless(response.status);
  if (whole && !bodiless) append_length(out, response.body.size());
  if (framing == http_framing::chunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing == http_framing::length_close || framing == http_framing::until_close) out += "Connection: close\r\n";
  out += "\r\n";
  if (whole && !bodiless && !head_only) out += response.body;
  return out;
}

}  // namespace hale
