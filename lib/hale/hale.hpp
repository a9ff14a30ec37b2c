// Everything a program needs to supervise processes: `#include <hale/hale.hpp>`, link hale::hale.
#pragma once

#include "hale/async/race.hpp"
#include "hale/async/scope.hpp"
#include "hale/async/task.hpp"
#include "hale/async/trigger.hpp"
#include "hale/base/error.hpp"
#include "hale/base/result.hpp"
#include "hale/base/text.hpp"
#include "hale/base/time.hpp"
#include "hale/base/version.hpp"
#include "hale/heal/event.hpp"
#include "hale/heal/spec.hpp"
#include "hale/heal/status.hpp"
#include "hale/heal/supervisor.hpp"
#include "hale/run.hpp"
#include "hale/world/world.hpp"
