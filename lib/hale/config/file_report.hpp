// What is found while a cluster file is read: where each key stands, what is wrong, and what is asked for too early.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "hale/config/cluster_file.hpp"
#include "hale/config/document.hpp"
#include "hale/heal/validate.hpp"

namespace hale {

class file_report {
 public:
  explicit file_report(std::string file) : file_(std::move(file)) {}

  /// Says where the value of `path` stands.
  void place(const key_path& path, text_position at) { places_.emplace(path, at); }

  void error(const key_path& path, text_position at, const std::string& message);
  void error(const key_path& path, const std::string& message) { error(path, find(path), message); }
  void warning(const key_path& path, const std::string& message);
  void unsupported(const key_path& path, std::string key);

  /// Says that `path` could not be read, so that nothing more is said about it or what lies under it.
  void mark_broken(const key_path& path) { broken_.insert(path); }
  bool is_broken(const key_path& path) const;

  /// Adds a fault found in the finished spec, unless what it rests on could not be read in the first place.
  void add(const spec_fault& fault);

  bool has_errors() const noexcept { return !errors_.empty(); }
  /// Everything, in the order of the file.
  parsed_cluster finish(cluster_spec spec) &&;

 private:
  /// Where `path` stands, or the nearest key around it that is written in the file.
  text_position find(key_path path) const;
  config_error located(const key_path& path, text_position at, const std::string& message) const;

  std::string file_;
  std::map<key_path, text_position> places_;
  std::set<key_path> broken_;
  std::vector<config_error> errors_;
  std::vector<config_error> warnings_;
  std::vector<unsupported_feature> unsupported_;
};

}  // namespace hale
