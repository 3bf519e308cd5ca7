// A row of numbers worked on by a team of threads: one thread, a warp or a whole block. Neighbours in a row lie `step`
// apart, so that a row may be an axis in the middle of an array.
#pragma once
#include "reduction.cuh"

// For rows whose neighbours are not neighbours in memory: the rows of neighbouring threads are.
struct ThreadTeam {
    static __device__ __forceinline__ unsigned number() { return blockIdx.x * blockDim.x + threadIdx.x; }
    static __device__ __forceinline__ unsigned teams() { return gridDim.x * blockDim.x; }
    static __device__ __forceinline__ unsigned member() { return 0; }
    static __device__ __forceinline__ unsigned size() { return 1; }
    template <class Operation, class T> static __device__ __forceinline__ T reduce(T value) { return value; }
};

// For rows of up to about a thousand numbers.
struct WarpTeam {
    static __device__ __forceinline__ unsigned number() { return (blockIdx.x * blockDim.x + threadIdx.x) / WARP; }
    static __device__ __forceinline__ unsigned teams() { return gridDim.x * blockDim.x / WARP; }
    static __device__ __forceinline__ unsigned member() { return threadIdx.x % WARP; }
    static __device__ __forceinline__ unsigned size() { return WARP; }
    template <class Operation, class T> static __device__ __forceinline__ T reduce(T value) {
        return warp_reduce<Operation>(value);
    }
};

// For longer ones.
struct BlockTeam {
    static __device__ __forceinline__ unsigned number() { return blockIdx.x; }
    static __device__ __forceinline__ unsigned teams() { return gridDim.x; }
    static __device__ __forceinline__ unsigned member() { return threadIdx.x; }
    static __device__ __forceinline__ unsigned size() { return blockDim.x; }
    template <class Operation, class T> static __device__ __forceinline__ T reduce(T value) {
        return block_reduce<Operation>(value);
    }
};

// One row in memory.
template <class T> struct Row {
    T* first;
    unsigned step;

    __device__ __forceinline__ T& operator[](unsigned i) const { return first[(size_t)i * step]; }
};

// Row number `row` of the middle axis of [outer, n, inner].
template <class T> __device__ __forceinline__ Row<T> row_of(T* array, unsigned row, unsigned n, unsigned inner) {
    return {array + (size_t)(row / inner) * n * inner + row % inner, inner};
}

// The operation over f(i) for every i of a row of n; all members get the result.
template <class Team, class Operation, class T, class F> __device__ __forceinline__ T over_row(unsigned n, F f) {
    T result = Operation::template identity<T>();
    for (unsigned i = Team::member(); i < n; i += Team::size()) result = Operation::combine(result, f(i));
    return Team::template reduce<Operation>(result);
}

// Every row that falls to this thread's team. All threads of a team go through the same rows.
#define FOR_EACH_ROW(Team, row, rows) for (unsigned row = Team::number(); row < (rows); row += Team::teams())

// Kernels of a function template for the three teams: `name`, `name_long` and `name_columns`, with a type's suffix. The
// parameters come in brackets, and so do their names.
#define KERNELS_OF_TEAMS(name, suffix, parameters, call)                                            \
    KERNEL(name##_##suffix) parameters { name<WarpTeam> call; }                        \
    KERNEL(name##_long_##suffix) parameters { name<BlockTeam> call; }                 \
    KERNEL(name##_columns_##suffix) parameters { name<ThreadTeam> call; }
