// The table of signatures as data: one row a meaning, with the words that show it. Included by signatures.cpp alone.
//
// A pattern is text in lower case that a line must hold; case does not matter. `*` is a gap of anything, `~` a gap
// without blanks of at most 64 bytes, `#` one digit, `<` in front and `>` behind ask for the edge of a word, and `|`
// separates alternatives. Each piece between gaps has four letters in a row to be found by.
//
// Source: the reference on model servers, section 4; the numbers are its rows. Where several rows match one line, the
// earlier here wins among equally telling ones.
#pragma once

#include <array>
#include <string_view>

#include "hale/policy/signatures.hpp"

namespace hale::signature_table {

struct row {
  signature meaning;
  std::string_view patterns;
};

inline constexpr bool trailer = true;
inline constexpr bool vague = true;
inline constexpr bool kernel = true;

using enum restart_class;
using enum cause;

// number, name, cause, class, generic trailer, vague, from the kernel, hint
inline constexpr std::array rows = std::to_array<row>({
    // Memory, on the accelerator and in the runtimes' own allocators.
    {{1, "torch_oom", gpu_oom, restart, !trailer, !vague, !kernel,
      "out of accelerator memory (PyTorch): free memory, or use a smaller model, context or batch"},
     "cuda out of memory. tried to allocate|<torch.outofmemoryerror|<torch.cuda.outofmemoryerror"},
    {{2, "device_oom", gpu_oom, restart, !trailer, !vague, !kernel,
      "out of accelerator memory: offload fewer layers or use a smaller context"},
     "cuda error: out of memory|cudamalloc failed|hipmalloc failed|vk_error_out_of_device_memory|"
     "erroroutofdevicememory|out of device memory"},
    {{3, "load_oom", gpu_oom, restart, !trailer, !vague, !kernel,
      "not enough memory to load the model: use a smaller context, fewer layers or a smaller model"},
     "unable to allocate ~ buffer|failed to allocate *buffer|failed to create context with model|"
     "failed to initialize the context"},
    {{4, "cuda_oom", gpu_oom, restart, !trailer, !vague, !kernel, "out of accelerator memory: use smaller batches"},
     "cuda_error_out_of_memory"},
    {{5, "vram_occupied", gpu_oom, once, !trailer, !vague, !kernel,
      "another process holds the accelerator's memory: look for orphans"},
     "free memory on device *less than desired gpu memory utilization"},
    {{6, "kv_cache_too_small", config_error, hold, !trailer, !vague, !kernel,
      "no room for the KV cache: lower the context length or raise the memory share"},
     "no available memory for the cache blocks|"
     "max seq len *larger than the maximum number of tokens that can be stored in kv cache"},
    {{7, "kv_cache_exhausted", gpu_oom, restart, !trailer, !vague, !kernel,
      "the KV cache is used up under load: send fewer requests at once"},
     "alloc_req_slots runs out of memory|prefill out of memory|out of available cache blocks"},
    {{10, "allocation_failed", gpu_oom, restart, !trailer, !vague, !kernel,
      "an allocation failed: more memory, a higher limit or a smaller model is needed"},
     "std::bad_alloc|ggml_aligned_malloc: insufficient memory|"
     "mmap failed: cannot allocate memory|ggml_assert(ctx->mem_buffer != null) failed"},
    {{11, "heap_limit", gpu_oom, once, !trailer, !vague, !kernel, "the runtime's heap limit is reached: raise it"},
     "javascript heap out of memory|java.lang.outofmemoryerror"},
    {{11, "memory_error", gpu_oom, once, !trailer, vague, !kernel,
      "Python could not allocate memory"}, "<memoryerror>"},
    {{10, "out_of_memory", gpu_oom, restart, !trailer, vague, !kernel, "memory is short"},
     "cannot allocate memory|<out of memory|not enough memory|insufficient memory|erroroutofmemory|"
     "<failed to allocate|memory allocation failed|<errno 12>"},

    // Engines and accelerators.
    {{12, "ggml_assert", crash, restart, !trailer, !vague, !kernel, "a bug in the engine, or a bad model file"},
     "ggml_assert(*) failed|ggml_abort"},
    {{13, "cuda_poisoned", crash, restart, !trailer, !vague, !kernel,
      "a fault on the accelerator that only a new process recovers from"},
     "cuda error: an illegal memory access|unspecified launch failure|misaligned address|device-side assert"},
    {{14, "gpu_fault", crash, restart, !trailer, !vague, !kernel, "the accelerator misbehaves, or its memory is full"},
     "cuda error: uncorrectable ecc|cuda error: device kernel image|cuda error: unknown error|"
     "cublas_status_not_initialized|cublas_status_alloc_failed|cublas_status_execution_failed"},
    {{15, "gpu_missing", crash, once, !trailer, !vague, !kernel, "no accelerator is visible: check the driver"},
     "no cuda-capable device|cudart init failure: 3>|cudart init failure: 46>|cudart init failure: 100>|"
     "cudart init failure: 999>|current node has no gpu"},
    {{15, "nvml_failed", crash, once, !trailer, vague, !kernel,
      "the driver's library cannot be used: check the driver"},
     "failed to initialize nvml"},
    {{16, "driver_mismatch", config_error, hold, !trailer, !vague, !kernel,
      "the driver was upgraded while in use: reload it or reboot"},
     "driver/library version mismatch"},
    {{17, "nccl_lost", hung, restart, !trailer, !vague, !kernel,
      "a collective operation lost a peer: restart all ranks"},
     "watchdog caught collective operation timeout|ncclinternalerror|ncclsystemerror|"
     "nccl error: remote process exited|nccl error: unhandled"},
    {{18, "shm_broadcast_slow", hung, none, !trailer, !vague, !kernel, "a worker is slow or hangs (or compiles)"},
     "no available *block found in #"},
    {{19, "engine_dead", crash, restart, trailer, !vague, !kernel,
      "the engine died: the cause is further up in the log"},
     "enginecore encountered a fatal error|enginedeaderror|mqllmengine is already dead|asyncllm output_handler failed"},
    {{20, "worker_died", crash, restart, trailer, !vague, !kernel, "a worker died: the cause is further up in the log"},
     "worker proc ~ died unexpectedly|workerproc hit an exception"},
    {{21, "engine_start_failed", crash, once, trailer, !vague, !kernel,
      "the engine did not start: the cause is further up in the log"},
     "engine core initialization failed|failed core proc(s)|workerproc initialization failed"},
    {{22, "engine_stalled", hung, restart, !trailer, !vague, !kernel, "the engine does not answer its own server"},
     "rpc call to ~ timed out|timeouterror*no heartbeat received from mqllmengine"},
    {{23, "scheduler_failed", crash, restart, trailer, !vague, !kernel, "the scheduler failed: see the lines below it"},
     "scheduler hit an exception|dataparallelcontroller hit an exception"},
    {{24, "child_failed", crash, restart, trailer, !vague, !kernel,
      "a child process failed, and the server killed itself: the cause is further up in the log"},
     "received sigquit from a child process"},
    {{25, "scheduler_hung", hung, restart, !trailer, !vague, !kernel, "the scheduler made no progress"},
     "<watchdog timeout"},
    {{26, "detokenizer_silent", hung, none, !trailer, !vague, !kernel, "it hangs, or works on a long prompt"},
     "health check failed. server couldn't get a response from detokenizer"},
    {{27, "runner_died", crash, none, !trailer, !vague, !kernel,
      "a model runner died; the next request starts it again"},
     "llama runner process has terminated|llama runner process no longer running|"
     "llama-server process has terminated|llama-server process no longer running|"
     "model runner has unexpectedly stopped"},
    {{28, "load_timed_out", start_stalled, once, !trailer, !vague, !kernel,
      "loading took longer than the server allows: raise its limit"},
     "timed out waiting for llama runner|timed out waiting for llama-server|timed out waiting for engine core"},
    {{29, "vram_not_released", gpu_oom, none, !trailer, !vague, !kernel,
      "accelerator memory did not come back: a leak, or another user of it"},
     "gpu vram usage didn't recover within timeout"},
    {{30, "shard_failed", crash, restart, trailer, !vague, !kernel, "a shard died: the cause is further up in the log"},
     "<shard #~ crashed|shard process was signaled to shutdown with signal #|<shardfailed|webserver crashed"},
    {{31, "stub_dead", crash, restart, !trailer, !vague, !kernel,
      "a Python backend died although the server says ready"},
     "stub process *is not healthy"},
    {{32, "model_crashed", crash, restart, !trailer, !vague, !kernel, "the model's worker crashed"},
     "the model has crashed without additional information"},

    // What the same start would meet again.
    {{33, "port_taken", port_taken, restart, !trailer, !vague, !kernel, "another process holds the port"},
     "address already in use|<errno 98>|<eaddrinuse>|couldn't bind http server socket"},
    {{37, "disk_full", resource_exhausted, hold, !trailer, !vague, !kernel,
      "the disk is full: make room, then start it"},
     "no space left on device|<errno 28>"},
    {{37, "enospc", resource_exhausted, hold, !trailer, vague, !kernel, "the disk or a limit of the kernel is used up"},
     "<enospc>"},
    {{39, "descriptors", resource_exhausted, restart, !trailer, !vague, !kernel,
      "too many open files: raise the limit or look for a leak"},
     "too many open files|<errno 24>|<emfile>"},
    {{42, "broken_install", config_error, hold, !trailer, !vague, !kernel,
      "the installation is broken: a library is missing"},
     "symbol lookup error|cannot open shared object file"},
    {{35, "model_corrupt", config_error, hold, !trailer, !vague, !kernel,
      "the model file is damaged or incomplete: download it again"},
     "<invalid magic|tensor *data is not within the file bounds|corrupted or incomplete|<safetensorerror|"
     "headertoolarge|invalidheaderdeserialization"},
    {{36, "bad_arguments", config_error, hold, !trailer, !vague, !kernel,
      "it does not know an argument or this kind of model: check the command and the version"},
     "unknown model architecture|unrecognized arguments|<error: invalid argument"},
    {{34, "model_missing", config_error, hold, !trailer, !vague, !kernel, "the model is not where it was looked for"},
     "failed to open gguf file|does not exist: loading failed|is not a valid *model identifier|failed to stat file"},
    {{38, "no_access", config_error, hold, !trailer, !vague, !kernel, "access is denied: check token and licence"},
     "401 client error|<gatedrepoerror"},
    {{41, "illegal_instruction", config_error, hold, !trailer, !vague, !kernel,
      "the binary needs a CPU feature that this machine lacks"},
     "<illegal instruction|0xc000001d"},
    {{34, "model_not_loaded", config_error, hold, !trailer, vague, !kernel, "the model could not be loaded"},
     "error loading model: "},
    {{34, "file_missing", config_error, hold, !trailer, vague, !kernel,
      "a file is missing"}, "no such file or directory"},
    {{36, "validation_failed", config_error, hold, !trailer, vague, !kernel, "its configuration is not valid"},
     "<validationerror>"},
    {{38, "permission_denied", config_error, hold, !trailer, vague, !kernel, "a file or port may not be used"},
     "<permission denied|<errno 13>"},
    {{34, "load_failed", config_error, once, trailer, !vague, !kernel, "the cause is further up in the log"},
     "exiting due to model loading error"},
    {{40, "leaked_shm", crash, none, trailer, !vague, !kernel, "shared memory was left behind by a crash"},
     "resource_tracker: there appear to be #~ leaked shared_memory|"
     "resource_tracker: there appear to be #~ leaked semaphore"},
    {{43, "python_segfault", crash, restart, !trailer, !vague, !kernel, "native code crashed"},
     "fatal python error: segmentation fault"},
    {{45, "gpu_lost", crash, hold, !trailer, !vague, !kernel, "the accelerator is gone: reboot the machine"},
     "<nvml*gpu is lost|unable to determine the device handle for gpu"},

    // The kernel's own log.
    {{8, "cgroup_oom", oom_killed, restart, !trailer, !vague, kernel, "over the memory limit of its cgroup"},
     "oom-kill:constraint=constraint_memcg*oom_memcg=|memory cgroup out of memory: killed process #"},
    {{9, "host_oom", oom_killed, restart, !trailer, !vague, kernel, "the machine is out of memory"},
     "out of memory: killed process #|oom-kill:constraint=constraint_none"},
    {{44, "xid", crash, none, !trailer, !vague, kernel, "a GPU event of no consequence by itself"},
     "nvrm: xid (pci:"},
    {{44, "xid_application", crash, restart, !trailer, !vague, kernel,
      "a GPU fault: a new process recovers from it"}, ""},
    {{44, "xid_reset", crash, hold, !trailer, !vague, kernel,
      "the GPU needs a reset: drain it, then nvidia-smi -r"}, ""},
    {{44, "xid_reboot", crash, hold, !trailer, !vague, kernel, "the GPU is lost to this boot: reboot the machine"}, ""},
    {{45, "gpu_off_bus", crash, hold, !trailer, !vague, kernel, "the GPU has fallen off the bus: reboot the machine"},
     "fallen off the bus"},
    {{46, "task_blocked", stuck_in_kernel, hold, !trailer, !vague, kernel,
      "a process is stuck in the kernel: only a reboot helps"},
     "task *blocked for more than #"},
    {{47, "segfault_in_library", crash, none, !trailer, !vague, kernel, "where native code crashed"},
     "segfault at *error * in libcuda|segfault at *error * in libggml|segfault at *error * in libtorch"},
});

/// What the code of an NVIDIA Xid line asks for (the reference, section 6); the name of a row above.
struct xid_rule {
  std::string_view name;
  std::array<std::uint8_t, 20> codes;  ///< 0: no more
};
inline constexpr std::array xid_rules = std::to_array<xid_rule>({
    {"xid_application", {8, 11, 13, 25, 31, 32, 39, 40, 41, 60, 68, 69, 70, 71, 72, 80, 94}},
    {"xid_reset", {46, 48, 62, 64, 74, 95, 109, 110, 119, 120, 136, 140, 143, 144, 145, 146, 147, 148, 149, 150}},
    {"xid_reset", {155, 156, 158}},
    {"xid_reboot", {79, 160}},
});

}  // namespace hale::signature_table
