#include "hale/record/json_fields.hpp"

#include "hale/base/error.hpp"
#include "hale/base/text.hpp"

namespace hale {

result<nlohmann::json> parse_json_object(std::string_view text) {
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) return errc::malformed;
  return parsed;
}

const nlohmann::json* json_fields::find(const char* key) const {
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void json_fields::text(const char* key, std::string& into) {
  const nlohmann::json* found = find(key);
  if (found == nullptr) return;
  if (!found->is_string()) return fail();
  into = found->get_ref<const std::string&>();
}

void json_fields::time(const char* key, std::optional<wall_time>& into) { spelled(key, into, parse_rfc3339); }

void json_fields::milliseconds(const char* key, std::optional<duration>& into) {
  const nlohmann::json* found = find(key);
  if (found == nullptr) return;
  if (!found->is_number_integer()) return fail();
  constexpr std::int64_t most = std::chrono::duration_cast<std::chrono::milliseconds>(duration::max()).count();
  const bool fits = found->is_number_unsigned() ? found->get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                                                : found->get<std::int64_t>() >= -most;
  if (!fits) return fail();
  into = std::chrono::milliseconds(found->get<std::int64_t>());
}

void json_fields::real(const char* key, std::optional<double>& into) {
  const nlohmann::json* found = find(key);
  if (found == nullptr) return;
  if (!found->is_number()) return fail();
  into = found->get<double>();
}

void json_fields::boolean(const char* key, std::optional<bool>& into) {
  const nlohmann::json* found = find(key);
  if (found == nullptr) return;
  if (!found->is_boolean()) return fail();
  into = found->get<bool>();
}

void json_fields::signed_number(const char* key, std::int64_t& into) {
  const nlohmann::json* found = find(key);
  if (found == nullptr) return;
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() ||
                     found->get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits) return fail();
  into = found->get<std::int64_t>();
}

}  // namespace hale
