// Functions of two numbers, and the gradients of activations: x is the cotangent there, y what tells the slope.
#include "map.cuh"
#include "numbers.cuh"

// An infinite cotangent must not make NaN of a slope of 0.
template <class T> __device__ __forceinline__ T leaky_relu_grad(T g, T y, T slope) {
    return y > T(0) ? g : slope == T(0) ? T(0) : g * slope;
}

template <class T> __device__ __forceinline__ T softplus_grad(T g, T x, T beta, T threshold) {
    return x * beta > threshold ? g : g * sigmoid(x * beta);
}

template <class T> __device__ __forceinline__ T elu_grad(T g, T x, T alpha, T scale) {
    return scale * (x > T(0) ? g : g * (alpha * exp(x)));
}

template <class T> __device__ __forceinline__ T gelu_grad(T g, T x) {
    const T distribution = T(0.5) * erfc(-x * T(0.70710678118654752440));
    const T density = exp(T(-0.5) * x * x) * T(0.39894228040143267794);
    return g * (distribution + x * density);
}

template <class T> __device__ __forceinline__ T gelu_tanh_grad(T g, T x) {
    const T scale = T(0.79788456080286535588), cubic = T(0.044715), square = x * x;
    const T value = tanh(scale * x * (T(1) + cubic * square));
    const T slope = scale * (T(1) + T(3) * cubic * square);
    return g * (T(0.5) * (T(1) + value) + T(0.5) * x * (T(1) - value * value) * slope);
}

template <class T> __device__ __forceinline__ T silu_grad(T g, T x) {
    const T s = sigmoid(x);
    return g * (s * (T(1) + x * (T(1) - s)));
}

// NaN wins over any number.
template <class T> __device__ __forceinline__ T maximum(T x, T y) { return x != x || x > y ? x : y; }
template <class T> __device__ __forceinline__ T minimum(T x, T y) { return x != x || x < y ? x : y; }

#define OF_FLOATS(suffix, T)                                                                     \
    MAP2(div_##suffix, T, T, T, x / y)                                                           \
    MAP2(pow_##suffix, T, T, T, pow(x, y))                                                       \
    MAP2(leaky_relu_grad_##suffix, T, T, T, leaky_relu_grad(x, y, T(p)))                         \
    MAP2(sigmoid_grad_##suffix, T, T, T, x * y * (T(1) - y))                                     \
    MAP2(tanh_grad_##suffix, T, T, T, x * (T(1) - y * y))                                        \
    MAP2(log_sigmoid_grad_##suffix, T, T, T, x * sigmoid(-y))                                    \
    MAP2(softplus_grad_##suffix, T, T, T, softplus_grad(x, y, T(p), T(q)))                       \
    MAP2(elu_grad_##suffix, T, T, T, elu_grad(x, y, T(p), T(q)))                                 \
    MAP2(gelu_grad_##suffix, T, T, T, gelu_grad(x, y))                                           \
    MAP2(gelu_tanh_grad_##suffix, T, T, T, gelu_tanh_grad(x, y))                                 \
    MAP2(silu_grad_##suffix, T, T, T, silu_grad(x, y))

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)

#define OF_NUMBERS(suffix, T)                                                                    \
    MAP2(add_##suffix, T, T, T, plus(x, y))                                                      \
    MAP2(sub_##suffix, T, T, T, minus(x, y))                                                     \
    MAP2(mul_##suffix, T, T, T, times(x, y))                                                     \
    MAP2(maximum_##suffix, T, T, T, maximum(x, y))                                               \
    MAP2(minimum_##suffix, T, T, T, minimum(x, y))

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)
