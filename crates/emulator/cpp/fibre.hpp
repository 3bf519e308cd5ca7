// Fibres: stacks with a place where they were left, and the switch between them. The sanitizers are told of each switch.
#pragma once
#include <cstddef>

// The scheduler itself is compiled without the sanitizers' instrumentation, so that only kernels are watched; the builder
// says by these which one is linked.
#ifndef EMULATOR_ADDRESS
#define EMULATOR_ADDRESS 0
#endif
#ifndef EMULATOR_THREAD
#define EMULATOR_THREAD 0
#endif
#if EMULATOR_ADDRESS
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if EMULATOR_THREAD
extern "C" {
void* __tsan_create_fiber(unsigned);
void __tsan_destroy_fiber(void*);
void __tsan_switch_to_fiber(void*, unsigned);
void* __tsan_get_current_fiber();
void __tsan_acquire(void*);
void __tsan_release(void*);
}
#endif

namespace emulator {

struct Fibre {
    void* stack_pointer = nullptr;
    char* stack = nullptr;
    size_t size = 0;
    void* sanitizer_stack = nullptr;  // AddressSanitizer's own record of this stack while it is left
    bool host = false;                // runs on the stack of a thread that called the driver, whose bounds differ
};

// A fibre that will call `body` when it is first switched to. The body must not return.
Fibre* new_fibre(void (*body)());
// Puts a fibre that was left for good back to its beginning.
void restart(Fibre& fibre, void (*body)());
// Leaves `from` and goes on where `to` was left; returns when something switches to `from`.
void switch_fibre(Fibre& from, Fibre& to);
// To be called first on a new fibre.
void entered();

}  // namespace emulator
