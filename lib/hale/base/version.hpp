// The version of this hale. The build reads it from here.
#pragma once

#define HALE_VERSION "0.1.0"
