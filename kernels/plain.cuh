// Numbers whose arithmetic is exactly what is written, each operation rounded on its own, as on the CPU: the compiler may
// not fuse a product and a sum unless `mul_add` is written. For results that have to be the CPU's to the last bit.
#pragma once
#include "common.cuh"

template <class T> struct Plain;

#define PLAIN(T, add, subtract, multiply, divide, fused, root)                                        \
    template <> struct Plain<T> {                                                                     \
        T value;                                                                                      \
        __device__ __forceinline__ Plain(T value = T(0)) : value(value) {}                            \
        friend __device__ __forceinline__ Plain operator+(Plain x, Plain y) { return add(x.value, y.value); }      \
        friend __device__ __forceinline__ Plain operator-(Plain x, Plain y) { return subtract(x.value, y.value); } \
        friend __device__ __forceinline__ Plain operator*(Plain x, Plain y) { return multiply(x.value, y.value); } \
        friend __device__ __forceinline__ Plain operator/(Plain x, Plain y) { return divide(x.value, y.value); }   \
        friend __device__ __forceinline__ Plain mul_add(Plain x, Plain y, Plain z) { return fused(x.value, y.value, z.value); } \
        friend __device__ __forceinline__ Plain operator-(Plain x) { return -x.value; }               \
        friend __device__ __forceinline__ bool operator<(Plain x, Plain y) { return x.value < y.value; }           \
        friend __device__ __forceinline__ bool operator>(Plain x, Plain y) { return x.value > y.value; }           \
        friend __device__ __forceinline__ Plain square_root(Plain x) { return root(x.value); }        \
    };

PLAIN(float, __fadd_rn, __fsub_rn, __fmul_rn, __fdiv_rn, __fmaf_rn, __fsqrt_rn)
// The root of a double is always the nearest one.
PLAIN(double, __dadd_rn, __dsub_rn, __dmul_rn, __ddiv_rn, __fma_rn, sqrt)
#undef PLAIN
