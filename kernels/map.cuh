// Functions of the elements at the same place of one, two or three arrays. The result is a new array in row-major order,
// or lies in the memory of a contiguous operand.
#pragma once
#include "strides.cuh"

// Four neighbouring elements, read or written at once; 16 bytes of floats.
template <class T> struct alignas(sizeof(T) * 4 < 16 ? sizeof(T) * 4 : 16) Four {
    T element[4];
};

template <class T> __device__ __forceinline__ bool is_aligned(const T* pointer) {
    return reinterpret_cast<size_t>(pointer) % alignof(Four<T>) == 0;
}

template <class R, class A, class F> __device__ __forceinline__ void map1(const A* a, R* out, unsigned count, F f) {
    const unsigned fours = is_aligned(a) && is_aligned(out) ? count / 4 : 0;
    FOR_EACH(i, fours) {
        const Four<A> x = reinterpret_cast<const Four<A>*>(a)[i];
        Four<R> result;
#pragma unroll
        for (int j = 0; j < 4; j++) result.element[j] = f(x.element[j]);
        reinterpret_cast<Four<R>*>(out)[i] = result;
    }
    FOR_EACH(i, count - fours * 4) out[fours * 4 + i] = f(a[fours * 4 + i]);
}

template <class R, class A, class B, class F>
__device__ __forceinline__ void map2(const A* a, const B* b, R* out, unsigned count, F f) {
    const unsigned fours = is_aligned(a) && is_aligned(b) && is_aligned(out) ? count / 4 : 0;
    FOR_EACH(i, fours) {
        const Four<A> x = reinterpret_cast<const Four<A>*>(a)[i];
        const Four<B> y = reinterpret_cast<const Four<B>*>(b)[i];
        Four<R> result;
#pragma unroll
        for (int j = 0; j < 4; j++) result.element[j] = f(x.element[j], y.element[j]);
        reinterpret_cast<Four<R>*>(out)[i] = result;
    }
    FOR_EACH(i, count - fours * 4) out[fours * 4 + i] = f(a[fours * 4 + i], b[fours * 4 + i]);
}

template <class R, class A, class B, class C, class F>
__device__ __forceinline__ void map3(const A* a, const B* b, const C* c, R* out, unsigned count, F f) {
    FOR_EACH(i, count) out[i] = f(a[i], b[i], c[i]);
}

template <class R, class A, class F>
__device__ __forceinline__ void map1(const A* a, R* out, unsigned count, const Strides<1>& places, F f) {
    FOR_EACH(i, count) {
        int64_t at[1];
        places.offsets(i, at);
        out[i] = f(a[at[0]]);
    }
}

template <class R, class A, class B, class F>
__device__ __forceinline__ void map2(const A* a, const B* b, R* out, unsigned count, const Strides<2>& places, F f) {
    FOR_EACH(i, count) {
        int64_t at[2];
        places.offsets(i, at);
        out[i] = f(a[at[0]], b[at[1]]);
    }
}

template <class R, class A, class B, class C, class F>
__device__ __forceinline__ void map3(
    const A* a, const B* b, const C* c, R* out, unsigned count, const Strides<3>& places, F f
) {
    FOR_EACH(i, count) {
        int64_t at[3];
        places.offsets(i, at);
        out[i] = f(a[at[0]], b[at[1]], c[at[2]]);
    }
}

// Kernels `name`, for contiguous operands, and `name_strided`. The expression after the types gives the result from
// the elements x (y, z) and from up to two numbers p and q, which the function's parameters are.
#define MAP1(name, R, A, ...)                                                                            \
    KERNEL(name)(const A* a, R* out, unsigned count, double p, double q) {                               \
        (void)p, (void)q;                                                                                \
        map1(a, out, count, [=](A x) -> R { return __VA_ARGS__; });                                      \
    }                                                                                                    \
    KERNEL(name##_strided)(const A* a, R* out, unsigned count, Strides<1> places, double p, double q) {  \
        (void)p, (void)q;                                                                                \
        map1(a, out, count, places, [=](A x) -> R { return __VA_ARGS__; });                              \
    }

#define MAP2(name, R, A, B, ...)                                                                         \
    KERNEL(name)(const A* a, const B* b, R* out, unsigned count, double p, double q) {                   \
        (void)p, (void)q;                                                                                \
        map2(a, b, out, count, [=](A x, B y) -> R { return __VA_ARGS__; });                              \
    }                                                                                                    \
    KERNEL(name##_strided)                                                                               \
    (const A* a, const B* b, R* out, unsigned count, Strides<2> places, double p, double q) {            \
        (void)p, (void)q;                                                                                \
        map2(a, b, out, count, places, [=](A x, B y) -> R { return __VA_ARGS__; });                      \
    }

#define MAP3(name, R, A, B, C, ...)                                                                      \
    KERNEL(name)(const A* a, const B* b, const C* c, R* out, unsigned count, double p, double q) {       \
        (void)p, (void)q;                                                                                \
        map3(a, b, c, out, count, [=](A x, B y, C z) -> R { return __VA_ARGS__; });                      \
    }                                                                                                    \
    KERNEL(name##_strided)                                                                               \
    (const A* a, const B* b, const C* c, R* out, unsigned count, Strides<3> places, double p, double q) { \
        (void)p, (void)q;                                                                                \
        map3(a, b, c, out, count, places, [=](A x, B y, C z) -> R { return __VA_ARGS__; });              \
    }
