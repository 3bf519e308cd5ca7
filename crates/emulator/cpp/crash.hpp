// Says which kernel it was when the process dies of an access to memory that is not there.
#pragma once
#include "kernel.hpp"

namespace emulator {

// Null while no kernel runs.
extern const Kernel* current_kernel;

void report_crashes();

}  // namespace emulator
