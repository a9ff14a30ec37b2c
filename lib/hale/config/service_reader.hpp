// Reads one [service.NAME] table: the shape of every key. What the values must keep to is checked in the finished spec.
#pragma once

#include "hale/config/table_reader.hpp"
#include "hale/heal/spec.hpp"

namespace hale {

/// `most_instances` is how many the cluster still has room for.
service_spec read_service(table_reader in, std::size_t most_instances);

}  // namespace hale
