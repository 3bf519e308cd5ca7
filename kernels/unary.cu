// Functions of one number; the formulas are in crates/tensor/src/ops/unary/.
#include "map.cuh"
#include "numbers.cuh"

// The normal distribution function, accurate in its lower tail too.
template <class T> __device__ __forceinline__ T normal_cdf(T x) { return T(0.5) * erfc(-x * T(0.70710678118654752440)); }

template <class T> __device__ __forceinline__ T softplus(T x, T beta, T threshold) {
    return x * beta > threshold ? x : log1p(exp(x * beta)) / beta;
}

template <class T> __device__ __forceinline__ T gelu_tanh(T x) {
    const T scale = T(0.79788456080286535588), cubic = T(0.044715);
    return T(0.5) * x * (T(1) + tanh(scale * x * (T(1) + cubic * x * x)));
}

template <class T> __device__ __forceinline__ T log_sigmoid(T x) { return (x < T(0) ? x : T(0)) - log1p(exp(-absolute(x))); }

template <class T> __device__ __forceinline__ T elu(T x, T alpha, T scale) {
    return scale * (x > T(0) ? x : alpha * expm1(x));
}

template <class T> __device__ __forceinline__ T power(T x, double exponent) {
    return exponent == 2 ? x * x : exponent == 3 ? x * x * x : pow(x, T(exponent));
}

#define OF_FLOATS(suffix, T)                                                                \
    MAP1(exp_##suffix, T, T, exp(x))                                                        \
    MAP1(expm1_##suffix, T, T, expm1(x))                                                    \
    MAP1(log_##suffix, T, T, log(x))                                                        \
    MAP1(log1p_##suffix, T, T, log1p(x))                                                    \
    MAP1(sqrt_##suffix, T, T, sqrt(x))                                                      \
    MAP1(rsqrt_##suffix, T, T, T(1) / sqrt(x))                                              \
    MAP1(reciprocal_##suffix, T, T, T(1) / x)                                               \
    MAP1(sin_##suffix, T, T, sin(x))                                                        \
    MAP1(cos_##suffix, T, T, cos(x))                                                        \
    MAP1(tanh_##suffix, T, T, tanh(x))                                                      \
    MAP1(sigmoid_##suffix, T, T, sigmoid(x))                                                \
    MAP1(log_sigmoid_##suffix, T, T, log_sigmoid(x))                                        \
    MAP1(softplus_##suffix, T, T, softplus(x, T(p), T(q)))                                  \
    MAP1(leaky_relu_##suffix, T, T, x > T(0) ? x : x * T(p))                                \
    MAP1(elu_##suffix, T, T, elu(x, T(p), T(q)))                                            \
    MAP1(gelu_##suffix, T, T, x * normal_cdf(x))                                            \
    MAP1(gelu_tanh_##suffix, T, T, gelu_tanh(x))                                            \
    MAP1(silu_##suffix, T, T, x * sigmoid(x))                                               \
    MAP1(erf_##suffix, T, T, erf(x))                                                        \
    MAP1(floor_##suffix, T, T, floor(x))                                                    \
    MAP1(ceil_##suffix, T, T, ceil(x))                                                      \
    MAP1(round_##suffix, T, T, rint(x))                                                     \
    MAP1(div_scalar_##suffix, T, T, x / T(p))                                               \
    MAP1(pow_scalar_##suffix, T, T, power(x, p))

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)

#define OF_NUMBERS(suffix, T)                                                               \
    MAP1(neg_##suffix, T, T, negative(x))                                                \
    MAP1(abs_##suffix, T, T, absolute(x))                                                   \
    MAP1(square_##suffix, T, T, times(x, x))                                                \
    MAP1(sign_##suffix, T, T, sign(x))                                                      \
    MAP1(relu_##suffix, T, T, is_negative(x) ? T(0) : x)                                          \
    MAP1(clamp_##suffix, T, T, clamp(x, converted<T>(p), converted<T>(q)))                  \
    MAP1(add_scalar_##suffix, T, T, plus(x, converted<T>(p)))                               \
    MAP1(mul_scalar_##suffix, T, T, times(x, converted<T>(p)))

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)
