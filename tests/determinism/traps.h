// Traps for what a simulation must never ask the machine for. They stand in front of the C library's functions in this
// whole program, so they also catch what libraries call underneath: std::chrono's clocks, std::random_device, std::thread.
#ifndef HALE_TESTS_DETERMINISM_TRAPS_H
#define HALE_TESTS_DETERMINISM_TRAPS_H

#ifdef __cplusplus
extern "C" {
#endif

/// While it is not 0, a call to any of them says its name and aborts.
extern int hale_traps_set;

#ifdef __cplusplus
}
#endif

#endif
