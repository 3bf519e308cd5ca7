// Steps of the optimisers over many tensors at once, with the CPU's formulas and its bits: see crates/cpu/src/optimize.rs.
#include "map.cuh"
#include "plain.cuh"

// Tensors of one launch, and elements of a block.
constexpr unsigned STEP_TENSORS = 48;
constexpr unsigned STEP_PIECE = 1024;

// What a launch steps. Arrays of a tensor are its parameter, its gradient, and S that the optimiser keeps for it. Blocks
// from `first_block[t]` on take pieces of tensor t.
template <class T, int S> struct StepTensors {
    T* arrays[2 + S][STEP_TENSORS];
    unsigned sizes[STEP_TENSORS];
    unsigned first_block[STEP_TENSORS];
    unsigned tensors;
    unsigned unused;

    // The tensor of this block.
    __device__ __forceinline__ unsigned mine() const {
        unsigned low = 0, high = tensors;
        while (high - low > 1) {
            const unsigned middle = (low + high) / 2;
            if (first_block[middle] <= blockIdx.x) low = middle;
            else high = middle;
        }
        return low;
    }
};

// A step's numbers. Where steps are replayed they are words in memory, rounded here as the host rounds those it gives.
template <class T> struct StepNumbers {
    T number[8];
    StepNumbers() = default;
    __device__ __forceinline__ explicit StepNumbers(const double* words) {
#pragma unroll
        for (int i = 0; i < 8; i++) number[i] = (T)words[i];
    }
};

// `step(p, g, s)` changes an element of the parameter and of the state in place.
template <class T, int S, class F>
__device__ __forceinline__ void step_elements(const StepTensors<T, S>& tensors, F step) {
    // An array of none is not C++.
    constexpr int KEPT = S > 0 ? S : 1;
    const unsigned mine = tensors.mine(), size = tensors.sizes[mine];
    const unsigned start = (blockIdx.x - tensors.first_block[mine]) * STEP_PIECE;
    const unsigned count = size - start < STEP_PIECE ? size - start : STEP_PIECE;
    T* array[2 + S];
    bool aligned = true;
#pragma unroll
    for (int a = 0; a < 2 + S; a++) {
        array[a] = tensors.arrays[a][mine] + start;
        aligned = aligned && is_aligned(array[a]);
    }
    const unsigned fours = aligned ? count / 4 : 0;
    for (unsigned i = threadIdx.x; i < fours; i += blockDim.x) {
        Four<T> four[2 + S];
#pragma unroll
        for (int a = 0; a < 2 + S; a++) four[a] = reinterpret_cast<const Four<T>*>(array[a])[i];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            Plain<T> p = four[0].element[j], state[KEPT];
#pragma unroll
            for (int s = 0; s < S; s++) state[s] = four[2 + s].element[j];
            step(p, Plain<T>(four[1].element[j]), state);
            four[0].element[j] = p.value;
#pragma unroll
            for (int s = 0; s < S; s++) four[2 + s].element[j] = state[s].value;
        }
        reinterpret_cast<Four<T>*>(array[0])[i] = four[0];
#pragma unroll
        for (int s = 0; s < S; s++) reinterpret_cast<Four<T>*>(array[2 + s])[i] = four[2 + s];
    }
    for (unsigned i = fours * 4 + threadIdx.x; i < count; i += blockDim.x) {
        Plain<T> p = array[0][i], state[KEPT];
#pragma unroll
        for (int s = 0; s < S; s++) state[s] = array[2 + s][i];
        step(p, Plain<T>(array[1][i]), state);
        array[0][i] = p.value;
#pragma unroll
        for (int s = 0; s < S; s++) array[2 + s][i] = state[s].value;
    }
}

// Kernel `name` for S arrays of state: statements that change p and s[0], s[1], ... by the gradient g. `n(i)` is the
// step's number i.
#define STEP(name, T, S, ...)                                                                          \
    BOUNDED_KERNEL(256, name)(StepTensors<T, S> tensors, StepNumbers<T> given, const double* words) {  \
        const StepNumbers<T> numbers = words ? StepNumbers<T>(words) : given;                          \
        step_elements(tensors, [=](Plain<T>& p, Plain<T> g, Plain<T>* s) {                             \
            (void)s;                                                                                   \
            const auto n = [&](int i) { return Plain<T>(numbers.number[i]); };                         \
            __VA_ARGS__                                                                                \
        });                                                                                            \
    }

// Numbers of Adam: shrink, decay, beta1, beta2, 1 - beta1, 1 - beta2, rate, eps. Both moments, in s[0] and s[1], and the
// parameter before the step proper.
#define MOMENTS                                \
    p = p * n(0);                              \
    g = g + n(1) * p;                          \
    s[0] = n(2) * s[0] + n(4) * g;             \
    s[1] = n(3) * s[1] + n(5) * g * g;

#define STEPS(suffix, T)                                                                               \
    STEP(sgd_##suffix, T, 0, p = p - n(0) * (g + n(1) * p);)                                           \
    /* Numbers: rate, decay, momentum, 1 - dampening, whether Nesterov's. */                           \
    STEP(sgd_momentum_##suffix, T, 1, {                                                                \
        g = g + n(1) * p;                                                                              \
        s[0] = n(2) * s[0] + n(3) * g;                                                                 \
        p = p - n(0) * (n(4) > T(0) ? g + n(2) * s[0] : s[0]);                                         \
    })                                                                                                 \
    STEP(adam_##suffix, T, 2, { MOMENTS p = p - n(6) * s[0] / (square_root(s[1]) + n(7)); })           \
    /* The largest second moment: written so that a NaN stays one. */                                  \
    STEP(adam_amsgrad_##suffix, T, 3, {                                                                \
        MOMENTS s[2] = s[2] > s[1] ? s[2] : s[1];                                                      \
        p = p - n(6) * s[0] / (square_root(s[2]) + n(7));                                              \
    })                                                                                                 \
    /* Numbers: rate, alpha, 1 - alpha, eps, decay, momentum, whether centered. State: v, b, mean. */  \
    STEP(rmsprop_##suffix, T, 3, {                                                                     \
        g = g + n(4) * p;                                                                              \
        s[0] = n(1) * s[0] + n(2) * g * g;                                                             \
        Plain<T> variance = s[0];                                                                      \
        if (n(6) > T(0)) {                                                                             \
            s[2] = n(1) * s[2] + n(2) * g;                                                             \
            variance = s[0] - s[2] * s[2];                                                             \
        }                                                                                              \
        s[1] = n(5) * s[1] + g / (square_root(variance) + n(3));                                       \
        p = p - n(0) * s[1];                                                                           \
    })                                                                                                 \
    /* Numbers: rate, eps, decay. */                                                                   \
    STEP(adagrad_##suffix, T, 1, {                                                                     \
        g = g + n(2) * p;                                                                              \
        s[0] = s[0] + g * g;                                                                           \
        p = p - n(0) * g / (square_root(s[0]) + n(1));                                                 \
    })                                                                                                 \
    /* Number: 1 - decay. The parameter is the average, the gradient the new value. */                 \
    STEP(running_average_##suffix, T, 0, p = p + n(0) * (g - p);)

STEPS(f32, float)
STEPS(f64, double)
