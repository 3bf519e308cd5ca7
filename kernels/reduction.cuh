// Reductions over a warp and over a block, in an order that depends on the number of threads only: the same bits each time.
#pragma once
#include "common.cuh"

// Operations. `identity` is what leaves any other value as it is; `combine` is commutative, so that all lanes of a
// butterfly get the same bits.
struct Sum {
    template <class T>
    __device__ static __forceinline__ T identity() {
        return T(0);
    }
    template <class T>
    __device__ static __forceinline__ T combine(T a, T b) {
        return a + b;
    }
};

struct Product {
    template <class T>
    __device__ static __forceinline__ T identity() {
        return T(1);
    }
    template <class T>
    __device__ static __forceinline__ T combine(T a, T b) {
        return a * b;
    }
};

template <class T>
struct Limits;
template <>
struct Limits<float> {
    __device__ static __forceinline__ float highest() { return __int_as_float(0x7f800000); }
    __device__ static __forceinline__ float lowest() { return -highest(); }
};
template <>
struct Limits<double> {
    __device__ static __forceinline__ double highest() { return __longlong_as_double(0x7ff0000000000000LL); }
    __device__ static __forceinline__ double lowest() { return -highest(); }
};
template <>
struct Limits<int> {
    __device__ static __forceinline__ int highest() { return 0x7fffffff; }
    __device__ static __forceinline__ int lowest() { return -0x7fffffff - 1; }
};
// 64 bits have two names: int64_t is the one or the other, as the compiler goes.
template <>
struct Limits<long long> {
    __device__ static __forceinline__ long long highest() { return 0x7fffffffffffffffLL; }
    __device__ static __forceinline__ long long lowest() { return -highest() - 1; }
};
template <>
struct Limits<long> {
    __device__ static __forceinline__ long highest() { return 0x7fffffffffffffffL; }
    __device__ static __forceinline__ long lowest() { return -highest() - 1; }
};

// A NaN wins, as in PyTorch; `fmaxf` would drop it.
struct Maximum {
    template <class T>
    __device__ static __forceinline__ T identity() {
        return Limits<T>::lowest();
    }
    template <class T>
    __device__ static __forceinline__ T combine(T a, T b) {
        return a > b || a != a ? a : b;
    }
};

struct Minimum {
    template <class T>
    __device__ static __forceinline__ T identity() {
        return Limits<T>::highest();
    }
    template <class T>
    __device__ static __forceinline__ T combine(T a, T b) {
        return a < b || a != a ? a : b;
    }
};

// All 32 lanes take part, and all get the result.
template <class Operation, class T>
__device__ __forceinline__ T warp_reduce(T value) {
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        value = Operation::combine(value, __shfl_xor_sync(ALL_LANES, value, offset));
    }
    return value;
}

// All threads of the block take part, a multiple of 32, and all get the result.
template <class Operation, class T>
__device__ __forceinline__ T block_reduce(T value) {
    __shared__ T partial[WARP];
    const int lane = block_index() % WARP, warp = block_index() / WARP, warps = block_threads() / WARP;
    value = warp_reduce<Operation>(value);
    if (warps == 1) return value;
    if (lane == 0) partial[warp] = value;
    __syncthreads();
    // Every warp reduces the same values in the same order: no second round trip through shared memory.
    value = warp_reduce<Operation>(lane < warps ? partial[lane] : Operation::template identity<T>());
    __syncthreads();  // before the next call writes
    return value;
}
