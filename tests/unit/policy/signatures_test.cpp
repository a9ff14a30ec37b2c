// Every row of the table of signatures against a line that a server really prints and one that only looks like it; then
// which of several lines explains a failure, and what hostile lines may cost.
#include "hale/policy/signatures.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace {

struct example {
  std::string_view name;  ///< of the signature
  std::string_view hit;
  std::string_view miss;  ///< matches another signature or none
};

const std::vector<example> process_lines = {
    {"torch_oom", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity",
     "CUDA memory. Tried to allocate 2.00 GiB and succeeded"},
    {"torch_oom", "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 23.65 GiB total capacity)",
     "handler for OutOfMemory installed"},
    {"torch_oom", "  raise torch.cuda.OutOfMemoryError()", "mytorch.OutOfMemoryErrors: 0"},
    {"device_oom", "CUDA error: out of memory\n  current device: 0, in function alloc at ggml-cuda.cu:503",
     "CUDA error: out of range"},
    {"device_oom",
     "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 5120.00 MiB on device 0: cudaMalloc failed: out of memory",
     "cudaMalloc succeeded"},
    {"device_oom", "hipMalloc failed: out of memory", "hipMalloc: 20 MiB"},
    {"device_oom", "vk::Device::allocateMemory: ErrorOutOfDeviceMemory", "ErrorOutOfDate"},
    {"device_oom", "returned VK_ERROR_OUT_OF_DEVICE_MEMORY", "returned VK_ERROR_DEVICE_LOST"},
    {"load_oom", "alloc_tensor_range: failed to allocate CUDA0 buffer of size 17179869184",
     "alloc_tensor_range: buffer of size 4"},
    {"load_oom", "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
     "unable to find the CUDA0 buffer"},
    {"load_oom", "unable to allocate AMX buffer", "unable to allocate a large buffer"},
    {"load_oom", "common_init_from_params: failed to create context with model 'chain.gguf'",
     "created context with model 'x'"},
    {"load_oom", "llama_init_from_model: failed to initialize the context: failed to allocate compute",
     "initialized the context"},
    {"cuda_oom", "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", "DriverError(CUDA_ERROR_INVALID_VALUE)"},
    {"vram_occupied",
     "ValueError: Free memory on device (3.5/23.6 GiB) on startup is less than desired GPU memory utilization (0.9, 21 "
     "GiB).",
     "Free memory on device (20/23.6 GiB) on startup; desired GPU memory utilization 0.9"},
    {"kv_cache_too_small",
     "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
     "Available memory for the cache blocks: 12 GiB"},
    {"kv_cache_too_small",
     "The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache "
     "(26000).",
     "max seq len (4096) fits the KV cache"},
    {"kv_cache_exhausted",
     "RuntimeError: alloc_req_slots runs out of memory. Please set a smaller number for `--max-running-requests`",
     "alloc_req_slots has memory"},
    {"kv_cache_exhausted", "Prefill out of memory. Try to lower your batch size.",
     "Prefill batch. #new-seq: 1, #new-token: 7"},
    {"kv_cache_exhausted", "RuntimeError: Out of available cache blocks", "27 available cache blocks"},
    {"allocation_failed", "terminate called after throwing an instance of 'std::bad_alloc'", "std::bad_cast"},
    {"allocation_failed", "ggml_aligned_malloc: insufficient memory (attempted to allocate 16384.00 MB)",
     "ggml_aligned_malloc: 16 MB"},
    {"load_oom", "graph_reserve: failed to allocate compute pp buffers", "graph_reserve: compute pp buffers 300 MiB"},
    {"allocation_failed", "llama_model_load: error loading model: mmap failed: Cannot allocate memory", "mmap ok"},
    {"allocation_failed", "ggml.c:1571: GGML_ASSERT(ctx->mem_buffer != NULL) failed", "ctx->mem_buffer != NULL"},
    {"heap_limit", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
     "JavaScript heap 40 MB"},
    {"heap_limit", "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space", "java.lang.Error"},
    {"memory_error", "MemoryError", "HostMemoryErrors=0"},
    {"memory_error", "numpy.core._exceptions.MemoryError: Unable to", "_MemoryErrorHandler registered"},
    {"out_of_memory", "fork: Cannot allocate memory", "cannot allocate a port"},
    {"out_of_memory", "WebAssembly.instantiate(): Out of memory", "shoutout of memory lane"},
    {"out_of_memory", "model requires more system memory (9 GiB): not enough memory", "enough memory: 9 GiB"},
    {"out_of_memory", "OSError: [Errno 12] whatever", "[Errno 121] Remote I/O"},
    {"ggml_assert", "/src/ggml-cuda.cu:88: GGML_ASSERT(n_tokens <= n_batch) failed", "GGML_ASSERT is enabled"},
    {"ggml_assert", "ggml_abort called", "ggml aborts nothing"},
    {"cuda_poisoned", "CUDA error: an illegal memory access was encountered", "CUDA: illegal argument"},
    {"cuda_poisoned", "cudaErrorLaunchFailure: unspecified launch failure", "unspecified failure"},
    {"cuda_poisoned", "CUDA error: misaligned address", "misaligned pointer"},
    {"cuda_poisoned", "RuntimeError: CUDA error: device-side assert triggered", "device side asserts are off"},
    {"gpu_fault", "CUDA error: uncorrectable ECC error encountered", "correctable ECC errors: 3"},
    {"gpu_fault", "CUDA error: device kernel image is invalid", "kernel image loaded"},
    {"gpu_fault", "RuntimeError: CUDA error: unknown error", "unknown error in the parser"},
    {"gpu_fault", "CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", "CUBLAS_STATUS_SUCCESS"},
    {"gpu_fault", "CUBLAS_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC"},
    {"gpu_fault", "CUBLAS_STATUS_EXECUTION_FAILED", "CUBLAS_STATUS_EXECUTION"},
    {"gpu_missing", "ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected",
     "CUDA-capable device 0"},
    {"gpu_missing", "cudart init failure: 100", "cudart init failure: 1000"},
    {"gpu_missing", "cudart init failure: 3", "cudart init failure: 35"},
    {"gpu_missing", "cudart init failure: 46", "cudart init failure: 4"},
    {"gpu_missing", "cudart init failure: 999", "cudart init: 999"},
    {"gpu_missing", "ValueError: Current node has no GPU available.", "Current node has one GPU"},
    {"nvml_failed", "Failed to initialize NVML: Unknown Error", "initialized NVML"},
    {"driver_mismatch", "Failed to initialize NVML: Driver/library version mismatch",
     "Driver version 550, library version 550"},
    {"nccl_lost", "[Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=9, Timeout(ms)=600000)",
     "Watchdog started for collective operations"},
    {"nccl_lost", "ncclInternalError: Internal check failed.", "nccl version 2.21"},
    {"nccl_lost", "ncclSystemError: System call (e.g. socket, malloc) failed", "nccl system check passed"},
    {"nccl_lost", "NCCL error: remote process exited or there was a network error", "NCCL: remote process 3"},
    {"nccl_lost", "NCCL error: unhandled cuda error", "NCCL: handled error"},
    {"shm_broadcast_slow", "No available shared memory broadcast block found in 60 seconds.",
     "available block found in 1 second"},
    {"shm_broadcast_slow", "No available (shared memory broadcast) block found in 60 second(s).",
     "No available block found in time"},
    {"engine_dead", "ERROR EngineCore encountered a fatal error.", "EngineCore encountered a warning"},
    {"engine_dead", "vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.", "EngineError"},
    {"engine_dead", "AsyncEngineDeadError: Task finished unexpectedly.", "AsyncEngine is alive"},
    {"engine_dead", "MQLLMEngine is already dead, terminating server process", "MQLLMEngine is ready"},
    {"engine_dead", "AsyncLLM output_handler failed.", "AsyncLLM output_handler started"},
    {"worker_died", "ERROR Worker proc VllmWorker-1 died unexpectedly, shutting down executor.",
     "Worker proc of mine died unexpectedly"},
    {"worker_died", "WorkerProc hit an exception.", "WorkerProc hit the cache"},
    {"engine_start_failed",
     "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
     "Engine core initialization took 12 s"},
    {"engine_start_failed", "Exception: WorkerProc initialization failed due to an exception",
     "WorkerProc initialization done"},
    {"engine_start_failed", "Failed core proc(s): {'EngineCore_0': 1}", "core proc(s): 1"},
    {"engine_stalled", "TimeoutError: RPC call to execute_model timed out.", "RPC call to a model timed out"},
    {"engine_stalled", "TimeoutError: No heartbeat received from MQLLMEngine", "heartbeat received from MQLLMEngine"},
    {"scheduler_failed", "Scheduler hit an exception: Traceback (most recent call last):", "Scheduler hit rate: 0.5"},
    {"scheduler_failed", "DataParallelController hit an exception: Traceback", "DataParallelController started"},
    {"child_failed", "Received sigquit from a child process. It usually means the child failed.",
     "Received sigterm from the parent"},
    {"scheduler_hung", "Watchdog timeout (self.watchdog_timeout=300)", "watchdog_timeout=300"},
    {"detokenizer_silent", "Health check failed. Server couldn't get a response from detokenizer for last 20 seconds.",
     "Health check passed. Server got a response from detokenizer"},
    {"runner_died", "llama runner process has terminated: exit status 2", "llama runner process has started"},
    {"runner_died", "llama-server process no longer running", "llama-server process running"},
    {"runner_died", "llama-server process has terminated: signal: killed", "llama-server terminated a slot"},
    {"runner_died", "llama runner process no longer running: -1", "llama runner running"},
    {"runner_died", "model runner has unexpectedly stopped, this may be due to resource limitations",
     "model runner has stopped"},
    {"load_timed_out", "timed out waiting for llama runner to start - progress 0.46 - ",
     "waiting for llama runner to start"},
    {"load_timed_out", "timed out waiting for llama-server to start", "waiting for llama-server"},
    {"load_timed_out", "TimeoutError: Timed out waiting for engine core processes to start.",
     "waiting for engine core"},
    {"vram_not_released", "gpu VRAM usage didn't recover within timeout seconds=5.2",
     "gpu VRAM usage recovered within timeout"},
    {"shard_failed", "ERROR shard-manager: Shard 0 crashed", "Shard 0 has not crashed"},
    {"shard_failed", "ERROR Shard 12 crashed", "Shard A crashed"},
    {"shard_failed", "Shard process was signaled to shutdown with signal 9 rank=0", "Shard process shut down"},
    {"shard_failed", "Error: ShardFailed", "NoShardFailed: 0"},
    {"shard_failed", "ERROR text_generation_launcher: Webserver Crashed", "Webserver started"},
    {"stub_dead", "Stub process 'bls_0' is not healthy.", "Stub process 'bls_0' is healthy."},
    {"model_crashed", "The model has crashed without additional information. (Exit code: 18446744072635812000)",
     "The model has loaded"},
    {"port_taken", "OSError: [Errno 98] error while attempting to bind on address ('0.0.0.0', 8000)",
     "[Errno 980] odd"},
    {"port_taken", "listen tcp 127.0.0.1:11434: bind: address already in use", "address in use by us"},
    {"port_taken", "Error: listen EADDRINUSE: 127.0.0.1:8080", "listen EADDRNOTAVAIL"},
    {"port_taken", "couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8080", "bound HTTP server socket"},
    {"disk_full", "write error: No space left on device", "space left on device: 4 GiB"},
    {"disk_full", "OSError: [Errno 28] x", "[Errno 281] x"},
    {"enospc", "Error: ENOSPC: write", "ENOSPCX"},
    {"descriptors", "accept4: Too many open files", "many open files: 12"},
    {"descriptors", "OSError: [Errno 24] x", "[Errno 242] x"},
    {"descriptors", "Error: EMFILE, open '/x'", "EMFILES"},
    {"broken_install", "llama-server: symbol lookup error: undefined symbol: ggml_x", "symbol lookup table built"},
    {"broken_install", "libcuda.so.1: cannot open shared object file: No such file or directory",
     "opened shared object file"},
    {"model_corrupt", "gguf_init_from_file_impl: invalid magic characters: 'abcd', expected 'GGUF'",
     "valid magic characters"},
    {"model_corrupt",
     "llama_model_load: error loading model: tensor 'output.weight' data is not within the file bounds, model is "
     "corrupted",
     "tensor data is within the file bounds"},
    {"model_corrupt", "the model is corrupted or incomplete", "the model is complete"},
    {"model_corrupt", "safetensors_rust.SafetensorError: Error while deserializing header", "NoSafetensorErrors"},
    {"model_corrupt", "HeaderTooLarge", "header too large"},
    {"model_corrupt", "Error while deserializing header: InvalidHeaderDeserialization", "InvalidHeader"},
    {"bad_arguments", "llama_model_load: error loading model architecture: unknown model architecture: 'qwen9'",
     "model architecture: 'qwen2'"},
    {"bad_arguments", "vllm serve: error: unrecognized arguments: --no-such", "recognized arguments: 3"},
    {"bad_arguments", "error: invalid argument: --frobnicate", "error: invalid arithmetic"},
    {"model_missing", "gguf_init_from_file: failed to open GGUF file '/nope.gguf' (No such file or directory)",
     "opened GGUF file"},
    {"model_missing", "model '/models/x' does not exist: loading failed", "does not exist: created"},
    {"model_missing",
     "foo is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'",
     "foo is a valid model identifier"},
    {"model_missing", "creating server: Internal - failed to stat file /models", "stat file ok"},
    {"no_access", "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url", "402 Client Error"},
    {"no_access", "huggingface_hub.errors.GatedRepoError: 403", "NoGatedRepoErrors"},
    {"illegal_instruction", "Illegal instruction (core dumped)", "legal instructions"},
    {"illegal_instruction", "exit status 0xc000001d", "0xc000001"},
    {"model_not_loaded", "llama_model_load: error loading model: odd thing", "error loading models list"},
    {"file_missing", "cat: /x: No such file or directory", "such a file or directory"},
    {"validation_failed", "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig",
     "PreValidationErrors"},
    {"validation_failed", "ValidationError: 1", "validation error"},
    {"permission_denied", "bash: ./serve: Permission denied", "Permissions were denied"},
    {"permission_denied", "[Errno 13] x", "[Errno 131] x"},
    {"load_failed", "main: exiting due to model loading error", "main: model loading"},
    {"leaked_shm", "resource_tracker: There appear to be 1 leaked shared_memory objects to clean up at shutdown",
     "resource_tracker: There appear to be no leaks"},
    {"leaked_shm", "resource_tracker: There appear to be 12 leaked semaphore objects to clean up",
     "resource_tracker: started"},
    {"python_segfault", "Fatal Python error: Segmentation fault", "Fatal Python error: Aborted"},
    {"gpu_lost", "NVML: GPU is lost", "GPU is lost in thought"},
    {"gpu_lost", "Unable to determine the device handle for GPU 0000:01:00.0: Unknown Error",
     "device handle for GPU 0"},
};

const std::vector<example> kernel_lines = {
    {"cgroup_oom",
     "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/hale/a,task=x,pid=7",
     "oom-kill:constraint=CONSTRAINT_MEMORY_POLICY"},
    {"cgroup_oom", "Memory cgroup out of memory: Killed process 4711 (llama-server) total-vm:9",
     "Memory cgroup charged: process 4711"},
    {"host_oom", "Out of memory: Killed process 4711 (python3) total-vm:99999kB", "Out of memory: nobody killed"},
    {"host_oom", "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null)", "oom-kill:constraint=CONSTRAINT_CPUSET"},
    {"xid_application", "NVRM: Xid (PCI:0000:3b:00): 31, pid=7, name=python3, Ch 00000008",
     "NVRM: loading NVIDIA UNIX module"},
    {"xid_reset", "NVRM: Xid (PCI:0000:3b:00): 119, pid=7, Timeout waiting for RPC from GSP", "NVRM: Xid 119"},
    {"xid_reset", "NVRM: Xid (PCI:0000:3b:00): 158, pid=7", "Xid (PCI:0000:3b:00): 158"},
    {"xid_reboot", "NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen", "NVRM: Xid"},
    {"xid", "NVRM: Xid (PCI:0000:3b:00): 45, pid=7, name=python3", "NVRM: pid=7"},
    {"xid", "NVRM: Xid (PCI:0000:3b:00): 4294967340, pid=7", "NVRM:"},
    {"gpu_off_bus", "NVRM: GPU at PCI:0000:3b:00: GPU has fallen off the bus.", "GPU is on the bus"},
    {"task_blocked", "INFO: task nvidia-smi:4711 blocked for more than 120 seconds.",
     "INFO: task nvidia-smi:4711 blocked"},
    {"segfault_in_library", "python3[7]: segfault at 0 ip 00007f sp 00007f error 4 in libcuda.so.550[7f+1]",
     "python3[7]: segfault at 0 ip 00007f sp 00007f error 4 in python3[7f+1]"},
    {"segfault_in_library", "x[7]: segfault at 10 ip 0 sp 0 error 6 in libggml-base.so[7f+1]",
     "x[7]: error 6 in libggml.so"},
    {"segfault_in_library", "x[7]: segfault at 10 ip 0 sp 0 error 6 in libtorch_cpu.so", "segfault at 10"},
};

std::string_view name_of(const hale::signature* found) {
  return found == nullptr ? std::string_view("none") : found->name;
}

std::string flipped(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) c = static_cast<char>(c ^ 0x20);
  }
  return out;
}

void check(const std::vector<example>& examples, hale::line_source source) {
  for (const example& it : examples) {
    const std::string around = "2026-11-21 20:25:00 [12] " + std::string(it.hit) + "\r";
    BOOST_CHECK_MESSAGE(name_of(hale::match_signature(it.hit, source)) == it.name,
                        it.hit << " is " << name_of(hale::match_signature(it.hit, source)) << ", not " << it.name);
    BOOST_CHECK_EQUAL(name_of(hale::match_signature(around, source)), it.name);
    BOOST_CHECK_EQUAL(name_of(hale::match_signature(flipped(it.hit), source)), it.name);
    BOOST_CHECK_MESSAGE(name_of(hale::match_signature(it.miss, source)) != it.name, it.miss << " is no " << it.name);
  }
}

std::string_view best_name(const hale::signature_scanner& scanner) {
  const auto best = scanner.best();
  return best ? best->what->name : std::string_view("none");
}

std::string_view explained_by(const std::vector<std::string>& lines) {
  hale::signature_scanner scanner;
  for (const auto& line : lines) scanner.scan_line(line);
  return best_name(scanner);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_servers_print_is_recognised_and_what_only_looks_like_it_is_not) {
  check(process_lines, hale::line_source::process);
}

BOOST_AUTO_TEST_CASE(what_the_kernel_prints_is_recognised_and_what_only_looks_like_it_is_not) {
  check(kernel_lines, hale::line_source::kernel);
}

BOOST_AUTO_TEST_CASE(every_row_of_the_table_has_a_line_that_shows_it) {
  std::map<std::string_view, int> shown;
  for (const auto& it : process_lines) ++shown[it.name];
  for (const auto& it : kernel_lines) ++shown[it.name];
  std::map<int, int> numbers;
  for (const auto& row : hale::signatures()) {
    BOOST_CHECK_MESSAGE(shown.count(row.name) == 1, "no example of " << row.name);
    BOOST_CHECK(!row.hint.empty());
    BOOST_CHECK_EQUAL(hale::signature_named(row.name), &row);
    ++numbers[row.number];
  }
  for (int number = 1; number <= 47; ++number)
    BOOST_CHECK_MESSAGE(numbers[number] >= 1, "row " << number << " is missing");
  BOOST_CHECK(hale::signature_named("no such") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_kernel_line_printed_by_a_process_is_no_kernel_evidence) {
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("fallen off the bus")), "none");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("std::bad_alloc", hale::line_source::kernel)), "none");
}

BOOST_AUTO_TEST_CASE(ordinary_lines_mean_nothing) {
  for (std::string_view line :
       {"", "a", "abc", "INFO:     127.0.0.1:48210 - \"POST /v1/completions HTTP/1.1\" 200 OK", "Ollama is running",
        "slot      release: id  0 | task 12 | stop processing: n_past = 40, truncated = 0",
        "Avg prompt throughput: 12.0 tokens/s, Running: 1 reqs, Waiting: 0 reqs, GPU KV cache usage: 0.3%",
        "llama_model_loader: loaded meta data with 29 key-value pairs and 254 tensors from m.gguf (version GGUF V3 "
        "(latest))",
        "load_tensors:   CPU_Mapped model buffer size =   770.28 MiB", "Loading checkpoint shards: 100%|####| 4/4",
        "print_info: file type   = Q4_K - Medium", "Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)"}) {
    BOOST_CHECK_EQUAL(name_of(hale::match_signature(line)), "none");
  }
}

BOOST_AUTO_TEST_CASE(an_allocation_that_is_retried_smaller_is_not_out_of_memory) {
  const std::string line = "failed to allocate compute pp buffers, retrying without pipeline parallelism";
  BOOST_CHECK_EQUAL(name_of(hale::match_signature(line)), "none");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature(line + "\r\n")), "none");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature(line + ".\x1b[0m")), "none");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature(flipped(line))), "none");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature(line + " failed too")), "load_oom");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("retrying without pipeline parallelism: cudaMalloc failed")),
                    "device_oom");
}

BOOST_AUTO_TEST_CASE(where_several_match_the_most_telling_wins) {
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("llama runner process has terminated: CUDA error: out of memory")),
                    "device_oom");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("error loading model: mmap failed: Cannot allocate memory")),
                    "allocation_failed");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("error loading model: read error: Cannot allocate memory")),
                    "out_of_memory");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("EngineDeadError after ncclInternalError")), "nccl_lost");
}

BOOST_AUTO_TEST_CASE(a_gap_without_blanks_is_found_also_when_its_beginning_comes_twice) {
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("unable to allocate it: unable to allocate CUDA0 buffer")),
                    "load_oom");
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("unable to allocate CUDA0 and no buffer")), "none");
  const std::string long_name(80, 'x');
  BOOST_CHECK_EQUAL(name_of(hale::match_signature("unable to allocate " + long_name + " buffer")), "none");
}

BOOST_AUTO_TEST_CASE(sglang_names_the_exception_not_the_signal_that_followed) {
  BOOST_CHECK_EQUAL(explained_by({"Prefill batch. #new-seq: 1",
                                  "[TP0] Scheduler hit an exception: Traceback (most recent call last):",
                                  "  File \"scheduler.py\", line 300, in run_scheduler_process",
                                  "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 MiB.",
                                  "Received sigquit from a child process. It usually means the child failed."}),
                    "torch_oom");
  BOOST_CHECK_EQUAL(explained_by({"Received sigquit from a child process. It usually means the child failed."}),
                    "child_failed");
}

BOOST_AUTO_TEST_CASE(vllm_names_the_root_cause_not_the_failed_initialization) {
  BOOST_CHECK_EQUAL(
      explained_by(
          {"ValueError: Free memory on device (3.5/23.6 GiB) on startup is less than desired GPU memory utilization",
           "ERROR EngineCore failed to start.",
           "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
           "resource_tracker: There appear to be 1 leaked shared_memory objects to clean up at shutdown"}),
      "vram_occupied");
  BOOST_CHECK_EQUAL(explained_by({"RuntimeError: Engine core initialization failed. See root cause above.",
                                  "resource_tracker: There appear to be 1 leaked shared_memory objects"}),
                    "engine_start_failed");
}

BOOST_AUTO_TEST_CASE(a_model_that_is_missing_is_named_before_the_crash_that_follows) {
  BOOST_CHECK_EQUAL(
      explained_by({"gguf_init_from_file: failed to open GGUF file '/nope.gguf' (No such file or directory)",
                    "llama_model_load: error loading model: llama_model_loader: failed to load model from /nope.gguf",
                    "Segmentation fault (core dumped)"}),
      "model_missing");
}

BOOST_AUTO_TEST_CASE(harmless_words_give_way_to_a_real_cause_and_the_earliest_of_equals_stays) {
  BOOST_CHECK_EQUAL(explained_by({"warning: /etc/x: No such file or directory", "cudaMalloc failed: out of memory",
                                  "std::bad_alloc"}),
                    "device_oom");
  BOOST_CHECK_EQUAL(explained_by({"Watchdog timeout", "No available block found in 60 second", "Permission denied"}),
                    "scheduler_hung");
  BOOST_CHECK_EQUAL(explained_by({"No available block found in 60 second", "EngineDeadError"}), "shm_broadcast_slow");
}

BOOST_AUTO_TEST_CASE(what_lies_far_back_no_longer_explains) {
  hale::signature_scanner scanner;
  scanner.scan_line("cudaMalloc failed: out of memory");
  for (std::uint64_t i = 0; i < hale::signature_scanner::window_lines; ++i) scanner.scan_line("ok");
  BOOST_CHECK_EQUAL(best_name(scanner), "device_oom");
  scanner.scan_line("ok");
  BOOST_CHECK_EQUAL(best_name(scanner), "none");
  scanner.scan_line("EngineDeadError");
  BOOST_CHECK_EQUAL(best_name(scanner), "engine_dead");
  scanner.reset();
  BOOST_CHECK_EQUAL(best_name(scanner), "none");
}

BOOST_AUTO_TEST_CASE(the_line_is_kept_short_with_what_matched_and_without_what_a_terminal_obeys) {
  hale::signature_scanner scanner;
  const auto coloured = scanner.scan_line("\x1b[1;31mERROR\x1b[0m\tstd::bad_alloc\x07");
  BOOST_REQUIRE(coloured);
  BOOST_CHECK_EQUAL(coloured->line, "ERROR std::bad_alloc ");
  const auto late = scanner.scan_line(std::string(5000, 'x') + " std::bad_alloc " + std::string(5000, 'y'));
  BOOST_REQUIRE(late);
  BOOST_CHECK_LE(late->line.size(), hale::signature_scanner::line_limit_bytes);
  BOOST_CHECK(late->line.find("std::bad_alloc") != std::string::npos);
  std::string umlauts = "std::bad_alloc ";
  while (umlauts.size() < 400) umlauts += "\xc3\xa4";
  const auto cut = scanner.scan_line(umlauts);
  BOOST_REQUIRE(cut);
  BOOST_CHECK_EQUAL(cut->line, umlauts.substr(0, 199));
}

BOOST_AUTO_TEST_CASE(a_scanner_of_a_quiet_instance_is_tiny) { BOOST_CHECK_LT(sizeof(hale::signature_scanner), 100U); }

BOOST_AUTO_TEST_CASE(lines_of_any_bytes_and_length_are_scanned) {
  for (std::string_view part :
       {"<", "cuda error: ", "unable to allocate x", "ggml_assert(", "\xff\x00\x80", "segfault at error "}) {
    std::string line;
    while (line.size() < 80'000) line += part;
    BOOST_CHECK_EQUAL(name_of(hale::match_signature(line)), "none");
    BOOST_CHECK_EQUAL(name_of(hale::match_signature("std::bad_alloc" + line)), "allocation_failed");
  }
}
