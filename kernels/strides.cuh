// Arrays seen through sizes and strides: how a kernel that goes through elements in row-major order finds them.
#pragma once
#include "common.cuh"

// More than any tensor has; the launcher merges neighbouring axes first.
constexpr int MAX_RANK = 12;

// Row-major positions of an array of `rank` axes as element offsets of N operands. An operand that is repeated along an
// axis has stride 0 there. The launcher fills it; see crates/cuda/src/strides.rs.
template <int N> struct Strides {
    int64_t strides[N][MAX_RANK];
    unsigned sizes[MAX_RANK];
    int rank;
    int unused;

    __device__ __forceinline__ void offsets(unsigned index, int64_t (&offsets)[N]) const {
#pragma unroll
        for (int operand = 0; operand < N; operand++) offsets[operand] = 0;
        for (int axis = rank - 1; axis > 0; axis--) {
            const unsigned rest = index / sizes[axis];
            const int64_t place = index - rest * sizes[axis];
#pragma unroll
            for (int operand = 0; operand < N; operand++) offsets[operand] += place * strides[operand][axis];
            index = rest;
        }
        // What is left is the place on the first axis: nothing to divide.
        if (rank > 0) {
#pragma unroll
            for (int operand = 0; operand < N; operand++) offsets[operand] += int64_t(index) * strides[operand][0];
        }
    }
};

// Every element of [0, count) once, in steps of the whole grid.
#define FOR_EACH(index, count)                                                        \
    for (unsigned index = blockIdx.x * blockDim.x + threadIdx.x; index < (count); \
         index += gridDim.x * blockDim.x)
