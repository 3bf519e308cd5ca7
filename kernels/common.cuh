// What every kernel file includes first. The same files are compiled by NVRTC at first use, by nvcc in the checks, and by a
// host C++ compiler for the emulator (crates/emulator). All of it is inline: each file is its own translation unit, and on
// the host they are linked together.
//
// Four conventions make a file compile in all of them:
//   - a kernel is written `KERNEL(name)(parameters) { ... }`, or with its block size `BOUNDED_KERNEL(threads, name)(...)`;
//   - dynamic shared memory is declared by `DYN_SHARED(T, name)`;
//   - shared memory is aligned by `__shared__ __align__(16) float tile[64]`, not by `alignas`;
//   - PTX stands only in headers, beside the same arithmetic in C++ (see mma.cuh).
#pragma once

#if !defined(__CUDACC__)
#include "cuda_on_host.hpp"
#elif defined(__CUDACC_RTC__)
// NVRTC has no header of the C library.
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#else
#include <math.h>
#include <stdint.h>
#endif

#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
#endif

// The name stays as it is written, so that the host finds the kernel in the module by it.
#define KERNEL(name) extern "C" __global__ void name
// A kernel that is never launched with more than `threads` threads in a block; the compiler then plans its registers.
#define BOUNDED_KERNEL(threads, name) extern "C" __global__ void __launch_bounds__((threads)) name
// The same, with as few registers that `blocks` blocks of it fit into a multiprocessor.
#define RESIDENT_KERNEL(threads, blocks, name) extern "C" __global__ void __launch_bounds__((threads), (blocks)) name

// Dynamic shared memory, aligned for any element. The size comes from the launch.
#if defined(CUDA_ON_HOST)
#define DYN_SHARED(T, name) T* const name = reinterpret_cast<T*>(::emulator::current_block.dynamic_shared)
#else
#define DYN_SHARED(T, name)                                        \
    extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
    T* const name = reinterpret_cast<T*>(dynamic_shared)
#endif

constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int WARP = 32;

// The element this thread of a one-dimensional launch begins with, and how far it is to its next one.
__device__ __forceinline__ int64_t grid_index() { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int64_t grid_stride() { return (int64_t)gridDim.x * blockDim.x; }

// The place of a thread in its block, which may have up to three dimensions.
__device__ __forceinline__ int block_index() {
    return (int)(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
}
__device__ __forceinline__ int block_threads() { return (int)(blockDim.x * blockDim.y * blockDim.z); }
