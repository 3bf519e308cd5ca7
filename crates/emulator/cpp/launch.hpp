// What the driver calls in the scheduler.
#pragma once
#include <string>

#include "kernel.hpp"

namespace emulator {

// The kernels of the library, as a list by their `next`.
Kernel* first_kernel();

// Runs all blocks of a launch whose shape the driver has checked; false with a line that says what went wrong.
bool run(const Kernel& kernel, dim3 grid, dim3 block, size_t dynamic_shared, void** arguments, std::string& failure);

}  // namespace emulator
