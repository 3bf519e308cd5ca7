// What the fast products have in common: four numbers at a time, and a tile of sums in the registers of a thread.
#pragma once
#include "common.cuh"

// Names of a file alone: the emulator links all kernels into one library.
namespace {

// Threads of a block that shares out a tile by RegisterTile: 16 rows of 16.
constexpr int TILE_THREADS = 256;

// Four neighbours, by one instruction. They lie at a multiple of 16 bytes.
__device__ __forceinline__ float4 read_four(const float* from) { return *reinterpret_cast<const float4*>(from); }
__device__ __forceinline__ void write_four(float* to, float4 four) { *reinterpret_cast<float4*>(to) = four; }

// A thread's share of a tile: 4·HIGH rows by 4·BROAD columns of sums. Indices are known when this is compiled, once the loops
// are unrolled, so that the sums are registers; an array indexed at run time would lie in memory.
template <int HIGH, int BROAD> struct RegisterTile {
    float sums[4 * HIGH][4 * BROAD] = {};

    // Where in the tile sums[i][j] belongs. Rows and columns come in groups of four, and those of the next thread follow: eight
    // threads then read 128 bytes that lie next to each other, which are in 32 different banks of the shared memory. With eight
    // columns in one piece they would read every second group, from half of the banks, in two turns.
    __device__ __forceinline__ static int row(int i) { return i / 4 * 64 + (int)threadIdx.x / 16 * 4 + i % 4; }
    __device__ __forceinline__ static int column(int j) { return j / 4 * 64 + (int)threadIdx.x % 16 * 4 + j % 4; }

    // Adds a column of A times a row of B, both in shared memory: 4·(HIGH + BROAD) numbers are read, by HIGH + BROAD
    // instructions, for 16·HIGH·BROAD multiplications.
    __device__ __forceinline__ void add(const float* column_of_a, const float* row_of_b) {
        float4 left[HIGH], right[BROAD];
#pragma unroll
        for (int g = 0; g < HIGH; g++) left[g] = read_four(column_of_a + row(4 * g));
#pragma unroll
        for (int g = 0; g < BROAD; g++) right[g] = read_four(row_of_b + column(4 * g));
#pragma unroll
        for (int g = 0; g < HIGH; g++) {
#pragma unroll
            for (int h = 0; h < BROAD; h++) {
                add_multiple(sums[4 * g] + 4 * h, left[g].x, right[h]);
                add_multiple(sums[4 * g + 1] + 4 * h, left[g].y, right[h]);
                add_multiple(sums[4 * g + 2] + 4 * h, left[g].z, right[h]);
                add_multiple(sums[4 * g + 3] + 4 * h, left[g].w, right[h]);
            }
        }
    }

    __device__ __forceinline__ static void add_multiple(float* four, float factor, float4 numbers) {
        four[0] = fmaf(factor, numbers.x, four[0]);
        four[1] = fmaf(factor, numbers.y, four[1]);
        four[2] = fmaf(factor, numbers.z, four[2]);
        four[3] = fmaf(factor, numbers.w, four[3]);
    }
};

}  // namespace
