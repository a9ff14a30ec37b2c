// What a worker of `hale sim` does: one run, from a seed or from a tape, or making a failing tape smaller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hale/sim/run/cluster_run.hpp"
#include "sim_options.hpp"
#include "sim_workers.hpp"

namespace hale::cli {

struct sim_job {
  sim::run_options options;
  std::uint64_t seed = 0;
  const sim::tape* replayed = nullptr;  ///< instead of the seed
  bool record = false;                  ///< sends part::tape
  bool picture = false;                 ///< sends part::picture
  std::string title;                    ///< of the picture
  std::string how;                      ///< the options, for the tape
};

/// Sends part::report and what else is asked for; part::progress says how far the simulation has come.
void run_job(const sim_job& job, worker_output& to);

/// Sends part::shrunk, a better one whenever some time has passed, and part::progress.
void shrink_job(const sim::run_options& options, const sim::tape& failing, int oracle, const sim_options& how,
                worker_output& to);

/// The least that shrink_job has found so far.
struct shrunk_part {
  std::string tape;
  std::uint64_t choices = 0;
  std::uint64_t runs = 0;
  sim::violation verdict;
};

/// REQUIRES: the bytes are a part that this program sent.
sim::run_report read_report(const std::string& bytes);
shrunk_part read_shrunk(const std::string& bytes);

}  // namespace hale::cli
