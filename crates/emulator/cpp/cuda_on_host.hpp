// CUDA C++ for a host compiler: with this header in place of the toolkit's, a .cu file is ordinary C++17.
// The builder finds the kernels by the attributes that `__global__` and `__launch_bounds__` leave in the preprocessed text.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <type_traits>

#include "device.hpp"

#define CUDA_ON_HOST 1

#define __global__ __attribute__((wengert_kernel))
#define __launch_bounds__(...) __attribute__((wengert_launch_bounds(__VA_ARGS__)))
#define __device__
#define __host__
#define __constant__ static
#define __restrict__ __restrict
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ noinline
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__
// Blocks run one after another, so one copy for the process is enough, and the sanitizers guard the edges of statics
// but not of thread-local variables.
#define __shared__ static

#define threadIdx (::emulator::current_thread->index)
#define blockIdx (::emulator::current_block.index)
#define blockDim (::emulator::current_block.size)
#define gridDim (::emulator::current_block.grid)
constexpr int warpSize = 32;
#define __builtin_assume(condition) ((void)0)

#define EMULATOR_TEXT_OF(x) #x
#define EMULATOR_TEXT(x) EMULATOR_TEXT_OF(x)
#define EMULATOR_SITE __FILE__ ":" EMULATOR_TEXT(__LINE__)

#define __trap() ::emulator::fail(EMULATOR_SITE, "__trap()")

// Vectors, aligned as on the device.
#define EMULATOR_VECTORS(element, name, alignment2, alignment4)                                                      \
    struct alignas(alignment2) name##2 { element x, y; };                                                            \
    struct name##3 { element x, y, z; };                                                                             \
    struct alignas(alignment4) name##4 { element x, y, z, w; };                                                      \
    inline name##2 make_##name##2(element x, element y) { return {x, y}; }                                           \
    inline name##3 make_##name##3(element x, element y, element z) { return {x, y, z}; }                             \
    inline name##4 make_##name##4(element x, element y, element z, element w) { return {x, y, z, w}; }
EMULATOR_VECTORS(float, float, 8, 16)
EMULATOR_VECTORS(double, double, 16, 16)
EMULATOR_VECTORS(int, int, 8, 16)
EMULATOR_VECTORS(short, short, 4, 8)
EMULATOR_VECTORS(unsigned short, ushort, 4, 8)
EMULATOR_VECTORS(signed char, char, 2, 4)
EMULATOR_VECTORS(unsigned char, uchar, 2, 4)
EMULATOR_VECTORS(long long, longlong, 16, 16)
EMULATOR_VECTORS(unsigned long long, ulonglong, 16, 16)
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

#include "device_exchange.hpp"
#include "device_math.hpp"
