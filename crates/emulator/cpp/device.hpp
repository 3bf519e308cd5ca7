// What a kernel calls in the scheduler: who the running thread is, and how it waits for others.
#pragma once
#include <cstddef>

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace emulator {

// The running thread of the block, as the kernel sees it.
struct Thread {
    uint3 index;
    unsigned linear;  // its place in the block
    unsigned warp;
    unsigned lane;
};

// The running block.
struct Block {
    uint3 index;
    dim3 grid, size;
    unsigned char* dynamic_shared;
};

// One launch runs at a time in the process, on one host thread: these need be neither atomic nor thread-local.
extern Thread* current_thread;
extern Block current_block;

enum class Count { none, ones, zeros };

// Waits for every thread of the block. Returns how many of them passed a predicate that is not zero (or is zero).
// `site` is the source line, for the report of a barrier that some threads do not reach.
unsigned wait_for_block(Count count, bool predicate, const char* site);

// What a lane hands to the others of its warp: as much as a step of the tensor cores wants of it.
struct alignas(32) Slot {
    unsigned char bytes[32];
};

// Waits for the lanes in `mask`, and returns the slots of all lanes of the warp; `present` has the bits of those who
// take part. The slots stay as they are until this lane's next exchange but one.
const Slot* exchange_in_warp(unsigned mask, const void* value, size_t size, unsigned* present, const char* site);

// Ends the launch as failed.
[[noreturn]] void fail(const char* site, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace emulator
