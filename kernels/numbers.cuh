// Arithmetic as the CPU's kernels have it: integers wrap around, and what is not a number stays so.
#pragma once
#include "common.cuh"

// Integers through their unsigned twins, as signed overflow means nothing in C++.
__device__ __forceinline__ int64_t plus(int64_t x, int64_t y) {
    return (int64_t)((uint64_t)x + (uint64_t)y);
}
__device__ __forceinline__ int64_t minus(int64_t x, int64_t y) {
    return (int64_t)((uint64_t)x - (uint64_t)y);
}
__device__ __forceinline__ int64_t times(int64_t x, int64_t y) {
    return (int64_t)((uint64_t)x * (uint64_t)y);
}
template <class T> __device__ __forceinline__ T plus(T x, T y) { return T(x + y); }
template <class T> __device__ __forceinline__ T minus(T x, T y) { return T(x - y); }
template <class T> __device__ __forceinline__ T times(T x, T y) { return T(x * y); }

// Unsigned numbers never are, and compilers warn of asking.
template <class T> __device__ __forceinline__ bool is_negative(T x) { return x < T(0); }
template <> __device__ __forceinline__ bool is_negative(uint8_t) { return false; }

// The sign of zero changes too.
template <class T> __device__ __forceinline__ T negative(T x) { return minus(T(0), x); }
template <> __device__ __forceinline__ float negative(float x) { return -x; }
template <> __device__ __forceinline__ double negative(double x) { return -x; }

// A float as another type, as Rust's `as` has it: towards zero, to the nearest bound where it does not fit, and NaN to 0.
template <class R> struct Converted {
    template <class A> static __device__ __forceinline__ R from(A x) { return R(x); }
};
template <> struct Converted<int64_t> {
    template <class A> static __device__ __forceinline__ int64_t from(A x) { return (int64_t)x; }
    static __device__ __forceinline__ int64_t from(double x) {
        if (x != x) return 0;
        if (x >= 9223372036854775808.0) return 0x7fffffffffffffffLL;
        if (x < -9223372036854775808.0) return -0x7fffffffffffffffLL - 1;
        return (int64_t)x;
    }
    static __device__ __forceinline__ int64_t from(float x) { return from(double(x)); }
};
template <> struct Converted<uint8_t> {
    template <class A> static __device__ __forceinline__ uint8_t from(A x) { return (uint8_t)x; }
    static __device__ __forceinline__ uint8_t from(double x) {
        return x >= 255.0 ? 255 : x > 0.0 ? (uint8_t)x : 0;
    }
    static __device__ __forceinline__ uint8_t from(float x) { return from(double(x)); }
};
template <class R, class A> __device__ __forceinline__ R converted(A x) { return Converted<R>::from(x); }

// -1, 0 or 1; NaN stays NaN, and so does the sign of zero.
template <class T> __device__ __forceinline__ T sign(T x) {
    return x > T(0) ? T(1) : is_negative(x) ? minus(T(0), T(1)) : x;
}

template <class T> __device__ __forceinline__ T absolute(T x) { return is_negative(x) ? minus(T(0), x) : x; }
template <> __device__ __forceinline__ float absolute(float x) { return fabsf(x); }
template <> __device__ __forceinline__ double absolute(double x) { return fabs(x); }

template <class T> __device__ __forceinline__ T sigmoid(T x) { return T(1) / (T(1) + exp(-x)); }

// NaN stays NaN; where the bounds cross, the upper one wins.
template <class T> __device__ __forceinline__ T clamp(T x, T low, T high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}
