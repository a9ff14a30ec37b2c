// Read by the gates on includes and bans, never compiled.
#include <unordered_map>

#include "hale/heal/spec.hpp"
