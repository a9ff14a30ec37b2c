// Reads the keys of one table into fields. A field keeps its value where its key is absent or wrong; what is wrong is
// reported with what was expected. At the end finish() reports the keys that nobody asked for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hale/base/time.hpp"
#include "hale/config/document.hpp"
#include "hale/config/file_report.hpp"

namespace hale {

class table_reader {
 public:
  /// REQUIRES: `table` is one; it and `report` outlive the reader.
  table_reader(file_report& report, const document_node& table, key_path path)
      : report_(report), table_(table), path_(std::move(path)) {}

  file_report& report() const { return report_; }
  const key_path& path() const { return path_; }
  key_path path_of(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }

  /// Each gives true when the key is there and well-formed.
  bool read_text(std::string_view key, std::string& field);
  bool read_flag(std::string_view key, bool& field);
  bool read_duration(std::string_view key, duration& field);
  bool read_size(std::string_view key, std::uint64_t& field);
  bool read_share(std::string_view key, double& field);
  bool read_integer(std::string_view key, std::int64_t& field);
  /// A whole number, held inside the field's range: bounds that matter are checked by others.
  bool read_count(std::string_view key, std::uint32_t& field);
  bool read_signal(std::string_view key, int& field);
  bool read_texts(std::string_view key, std::vector<std::string>& field);
  bool read_integers(std::string_view key, std::vector<std::int64_t>& field);
  bool read_text_map(std::string_view key, std::map<std::string, std::string>& field);
  /// One of `choices`, as its index.
  bool read_choice(std::string_view key, std::span<const std::string_view> choices, std::size_t& field);
  /// The table at `key`; its reader must be finished too.
  std::optional<table_reader> read_table(std::string_view key);
  /// The members that are tables, each of which is named by whoever wrote the file.
  std::vector<table_reader> read_named_tables();
  /// Any value, marked as known; null when absent.
  const document_node* take(std::string_view key);

  /// Reports that something else was expected at `node`.
  void expected(const key_path& path, const document_node& node, std::string_view what, std::string_view hint = {});
  void error(std::string_view key, const std::string& message) { report_.error(path_of(key), message); }

  /// Reports unknown keys, with the nearest known one.
  void finish();

 private:
  const document_node* find(std::string_view key) const;
  const document_node* take(std::string_view key, document_node::kind wanted, std::string_view what);

  file_report& report_;
  const document_node& table_;
  key_path path_;
  std::vector<std::string_view> known_;
};

}  // namespace hale
