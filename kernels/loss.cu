// Losses of two numbers, their sums over an array, and their gradients; the formulas are in
// crates/tensor/src/ops/loss/. Also the sample of a normal distribution that a variational autoencoder draws.
#include "map.cuh"
#include "numbers.cuh"
#include "reduction.cuh"

// Of a logit x and a target t, without overflow.
template <class T> __device__ __forceinline__ T bce_with_logits(T x, T t) {
    return (x > T(0) ? x : T(0)) - x * t + log1p(exp(x > T(0) ? -x : x));
}

// Of a mean and the logarithm of a variance; exact where that is near 0.
template <class T> __device__ __forceinline__ T gaussian_kl(T mean, T log_variance) {
    return T(0.5) * (mean * mean + (expm1(log_variance) - log_variance));
}

template <class T> __device__ __forceinline__ T squared_error(T x, T t) { return (x - t) * (x - t); }

// Of a probability p and a target t. Logarithms are at least -100; a NaN is no less.
template <class T> __device__ __forceinline__ T bounded(T logarithm) { return logarithm < T(-100) ? T(-100) : logarithm; }
template <class T> __device__ __forceinline__ T binary_cross_entropy(T p, T t) {
    return (t - T(1)) * bounded(log1p(-p)) - t * bounded(log(p));
}

// The sum of one number from each thread: a lone block writes share * sum to `out`, several leave one each in `parts`, for
// the kernel `total` to add up. The order depends on the sizes of the grid only, and these on the number of elements.
template <class T> __device__ __forceinline__ void add_up(T mine, T* parts, T* out, double share) {
    const T total = block_reduce<Sum>(mine);
    if (threadIdx.x != 0) return;
    if (gridDim.x == 1) {
        out[0] = total * T(share);
    } else {
        parts[blockIdx.x] = total;
    }
}

// share * (sum of `count` numbers), by one block. Where `counted` is there, the share is one of so many.
template <class T>
__device__ __forceinline__ void total(const T* parts, unsigned count, const int64_t* counted, double share, T* out) {
    T sum = T(0);
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) sum += parts[i];
    sum = block_reduce<Sum>(sum);
    if (threadIdx.x == 0) out[0] = sum * T(counted ? 1.0 / double(*counted) : share);
}

// share * (sum of f over all pairs).
template <class T, class F>
__device__ __forceinline__ void sum_pairs(
    const T* a, const T* b, unsigned count, T* parts, T* out, double share, F f
) {
    const unsigned fours = is_aligned(a) && is_aligned(b) ? count / 4 : 0;
    T sum = T(0);
    FOR_EACH(i, fours) {
        const Four<T> x = reinterpret_cast<const Four<T>*>(a)[i];
        const Four<T> y = reinterpret_cast<const Four<T>*>(b)[i];
#pragma unroll
        for (int j = 0; j < 4; j++) sum += f(x.element[j], y.element[j]);
    }
    FOR_EACH(i, count - fours * 4) sum += f(a[fours * 4 + i], b[fours * 4 + i]);
    add_up(sum, parts, out, share);
}

// share * g * slope of every pair, for one g (step 0) or one for each pair (step 1).
template <class T, class F>
__device__ __forceinline__ void scale_slopes(
    const T* a, const T* b, const T* g, unsigned step, double share, T* out, unsigned count, F slope
) {
    if (step == 0) {
        const T factor = g[0] * T(share);
        map2(a, b, out, count, [=](T x, T y) { return factor * slope(x, y); });
    } else {
        map3(a, b, g, out, count, [=](T x, T y, T z) { return z * slope(x, y); });
    }
}

// The first place of what is no probability, for each block; `count` where there is none. NaN passes.
template <class T> __device__ __forceinline__ void improbable(const T* p, unsigned count, int64_t* found) {
    int first = (int)count;
    FOR_EACH(i, count) {
        if ((p[i] < T(0) || p[i] > T(1)) && (int)i < first) first = (int)i;
    }
    first = block_reduce<Minimum>(first);
    if (threadIdx.x == 0) found[blockIdx.x] = first;
}

// A loss by itself, its sum, and its gradients by the first and the second number.
#define PAIR_LOSS(name, suffix, T, value, first, second)                                                        \
    MAP2(name##_##suffix, T, T, T, value)                                                                       \
    KERNEL(name##_sum_##suffix)(const T* a, const T* b, unsigned count, T* parts, T* out, double share) {       \
        sum_pairs(a, b, count, parts, out, share, [](T x, T y) -> T { return value; });                         \
    }                                                                                                           \
    KERNEL(name##_grad_first_##suffix)                                                                          \
    (const T* a, const T* b, const T* g, unsigned step, double share, T* out, unsigned count) {                 \
        scale_slopes(a, b, g, step, share, out, count, [](T x, T y) -> T { return (void)x, (void)y, first; });  \
    }                                                                                                           \
    KERNEL(name##_grad_second_##suffix)                                                                         \
    (const T* a, const T* b, const T* g, unsigned step, double share, T* out, unsigned count) {                 \
        scale_slopes(a, b, g, step, share, out, count, [](T x, T y) -> T { return (void)x, (void)y, second; }); \
    }

#define OF_FLOATS(suffix, T)                                                                                     \
    KERNEL(total_##suffix)(const T* parts, unsigned count, const int64_t* counted, double share, T* out) {       \
        total(parts, count, counted, share, out);                                                                \
    }                                                                                                            \
    PAIR_LOSS(binary_cross_entropy_with_logits, suffix, T, bce_with_logits(x, y), sigmoid(x) - y, -x)            \
    PAIR_LOSS(gaussian_kl, suffix, T, gaussian_kl(x, y), x, T(0.5) * expm1(y))                                   \
    PAIR_LOSS(mse_loss, suffix, T, squared_error(x, y), T(2) * (x - y), T(2) * (y - x))                          \
    MAP2(binary_cross_entropy_##suffix, T, T, T, binary_cross_entropy(x, y))                                     \
    MAP3(reparameterise_##suffix, T, T, T, T, x + exp(y * T(0.5)) * z)                                           \
    MAP3(reparameterise_grad_##suffix, T, T, T, T, T(0.5) * (z * (y * exp(x * T(0.5)))))                         \
    KERNEL(improbable_##suffix)(const T* p, unsigned count, int64_t* found) { improbable(p, count, found); }

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
