#include "hale/config/file_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace hale {
namespace {

template <class Located>
void sort_by_place(std::vector<Located>& items, std::string Located::*text) {
  std::sort(items.begin(), items.end(), [text](const Located& a, const Located& b) {
    return std::tie(a.line, a.column, a.*text) < std::tie(b.line, b.column, b.*text);
  });
}

}  // namespace

std::string to_string(const config_error& error) {
  return fmt::format("{}:{}:{}: {}", error.file, error.line, error.column, error.message);
}

std::string to_string(const unsupported_feature& feature) {
  return fmt::format("{}:{}:{}: {} is not supported yet by this version", feature.file, feature.line, feature.column,
                     feature.key);
}

text_position file_report::find(key_path path) const {
  for (; !path.empty(); path.pop_back()) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
  }
  return {};
}

bool file_report::is_broken(const key_path& path) const {
  for (key_path front = path; !front.empty(); front.pop_back()) {
    if (broken_.contains(front)) return true;
  }
  return false;
}

// Below [cluster] and [service.NAME] the position already says which one: only the key is named.
config_error file_report::located(const key_path& path, text_position at, const std::string& message) const {
  std::size_t skipped = path.size() > 2 ? 2 : 0;
  if (path.size() > 1 && path.front() == "cluster") skipped = 1;
  const key_path shown(path.begin() + static_cast<std::ptrdiff_t>(skipped), path.end());
  return {file_, at.line, at.column, shown.empty() ? message : fmt::format("{}: {}", to_string(shown), message)};
}

void file_report::error(const key_path& path, text_position at, const std::string& message) {
  broken_.insert(path);
  errors_.push_back(located(path, at, message));
}

void file_report::warning(const key_path& path, const std::string& message) {
  warnings_.push_back(located(path, find(path), message));
}

void file_report::unsupported(const key_path& path, std::string key) {
  const text_position at = find(path);
  unsupported_.push_back({file_, at.line, at.column, std::move(key)});
}

void file_report::add(const spec_fault& fault) {
  if (is_broken(fault.where) || (!fault.other.empty() && is_broken(fault.other))) return;
  errors_.push_back(located(fault.where, find(fault.where), fault.message));
}

parsed_cluster file_report::finish(cluster_spec spec) && {
  parsed_cluster parsed;
  sort_by_place(errors_, &config_error::message);
  sort_by_place(warnings_, &config_error::message);
  sort_by_place(unsupported_, &unsupported_feature::key);
  if (errors_.empty()) parsed.spec = std::move(spec);
  parsed.errors = std::move(errors_);
  parsed.warnings = std::move(warnings_);
  parsed.unsupported = std::move(unsupported_);
  return parsed;
}

}  // namespace hale
