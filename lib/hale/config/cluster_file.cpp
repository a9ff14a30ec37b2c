#include "hale/config/cluster_file.hpp"

#include <algorithm>

#include "hale/config/document.hpp"
#include "hale/config/file_report.hpp"
#include "hale/config/later_features.hpp"
#include "hale/config/service_reader.hpp"
#include "hale/config/table_reader.hpp"
#include "hale/heal/validate.hpp"

namespace hale {
namespace {

// "/etc/hale/my models.toml" → "my-models": what cannot be in a name becomes a dash.
std::string name_from_file(std::string_view file) {
  std::string_view stem = file.substr(file.rfind('/') + 1);
  stem = stem.substr(0, stem.rfind('.'));
  std::string name;
  for (const char c : stem.substr(0, 64)) name += name_fault(std::string("x") + c).empty() ? c : '-';
  const std::size_t start = name.find_first_not_of("-.");
  return start == std::string::npos ? "hale" : name.substr(start);
}

void read_cluster(table_reader& root, cluster_spec& spec) {
  auto cluster = root.read_table("cluster");
  if (!cluster) return;
  cluster->read_text("name", spec.name);
  if (cluster->read_text("state_dir", spec.state_dir)) {
    if (spec.state_dir.empty()) cluster->error("state_dir", "expected the path of a directory");
    if (spec.state_dir.starts_with('~')) cluster->error("state_dir", "~ is not expanded: write the whole path");
  }
  read_control(*cluster, spec.control);
  cluster->read_count("start_concurrency", spec.start_concurrency);
  read_on_exit(*cluster);
  cluster->finish();
}

void read_services(table_reader& root, cluster_spec& spec) {
  auto services = root.read_table("service");
  if (!services) return;
  std::size_t room = max_instances;
  for (table_reader& table : services->read_named_tables()) {
    spec.services.push_back(read_service(std::move(table), room));
    room -= std::min(room, spec.services.back().instances.size());
    if (spec.services.size() > max_services) break;
  }
  // Services that could not be read are no reason to miss them.
  const bool named_none = spec.services.empty() && root.report().has_errors();
  if (named_none) root.report().mark_broken({"service"});
}

void read_root(table_reader root, cluster_spec& spec) {
  read_cluster(root, spec);
  read_services(root, spec);
  if (auto groups = root.read_table("group")) read_groups(std::move(*groups), spec.services);
  if (auto alerts = root.read_table("alert")) read_alerts(std::move(*alerts));
  root.finish();
}

}  // namespace

parsed_cluster parse_cluster(std::string_view text, std::string file_name) {
  cluster_spec spec;
  spec.name = name_from_file(file_name);
  file_report report(std::move(file_name));
  const auto document = parse_document(text);
  if (!document) {
    report.error({}, document.error().at, document.error().message);
    return std::move(report).finish(std::move(spec));
  }
  read_root(table_reader(report, *document, {}), spec);
  for (const spec_fault& fault : find_faults(spec)) report.add(fault);
  return std::move(report).finish(std::move(spec));
}

}  // namespace hale
