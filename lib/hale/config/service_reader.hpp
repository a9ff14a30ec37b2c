// Reads one [service.NAME] table: the shape of every key. What the values must keep to is checked in the finished spec.
#pragma once

#include "hale/config/table_reader.hpp"
#include "hale/heal/spec.hpp"

namespace hale {

service_spec read_service(table_reader in);

}  // namespace hale
