// Reductions of any axes of a strided array.
//
// A block is a grid of `blockDim.x` outputs by `blockDim.y` threads that share the elements of each, so that threads next
// to each other read elements next to each other, whether the innermost axis is kept (x) or reduced (y). Where there are
// few outputs, `gridDim.y` blocks take a part of the elements each and leave states behind, which a second kernel joins.
// The order of a sum depends on shape and strides only.
#include "numbers.cuh"
#include "strides.cuh"

constexpr int BLOCK = 256;

// What a reduction is: the state of no element and of one (with its position among the reduced), of two parts together,
// and the result of the whole.
template <class T> struct SumOf {
    using State = T;
    using Result = T;
    static __device__ State none() { return T(0); }
    template <class A> static __device__ State one(A x, unsigned) { return T(x); }
    static __device__ State join(State a, State b) { return plus(a, b); }
    static __device__ Result finish(State state, double) { return state; }
};

template <class T> struct MeanOf : SumOf<T> {
    static __device__ T finish(T state, double count) { return state / T(count); }
};

template <class T> struct ProductOf {
    using State = T;
    using Result = T;
    static __device__ State none() { return T(1); }
    template <class A> static __device__ State one(A x, unsigned) { return T(x); }
    static __device__ State join(State a, State b) { return times(a, b); }
    static __device__ Result finish(State state, double) { return state; }
};

struct NonzeroCount : SumOf<int64_t> {
    template <class A> static __device__ State one(A x, unsigned) { return x != A(0); }
};

// The extreme of no elements is `empty`, which any element replaces.
template <class T> struct Extreme {
    T value;
    unsigned position;
    bool empty;
};

// a is chosen before b where it comes before b in this order; a NaN comes first of all, and the first of equals.
template <class T, bool LARGEST> struct ExtremeOf {
    using State = Extreme<T>;
    using Result = T;
    static __device__ State none() { return {T(0), 0, true}; }
    static __device__ State one(T x, unsigned position) { return {x, position, false}; }
    static __device__ State join(State a, State b) {
        if (a.empty || b.empty) return a.empty ? b : a;
        const bool a_is_nan = a.value != a.value, b_is_nan = b.value != b.value;
        if (a_is_nan != b_is_nan) return a_is_nan ? a : b;
        if (a.value != b.value && !a_is_nan) return (LARGEST ? a.value > b.value : a.value < b.value) ? a : b;
        return a.position < b.position ? a : b;
    }
    static __device__ Result finish(State state, double) { return state.value; }
};

template <class T, bool LARGEST> struct PositionOf : ExtremeOf<T, LARGEST> {
    using Result = int64_t;
    static __device__ Result finish(Extreme<T> state, double) { return state.position; }
};

// The sum of e^(x - shift), where the shift is the largest x, or 0 where that is infinite.
template <class T> struct Exponentials {
    T largest;
    T sum;
};

template <class T> struct LogSumExpOf {
    using State = Exponentials<T>;
    using Result = T;
    static __device__ T shift(T largest) { return absolute(largest) < T(INFINITY) ? largest : T(0); }
    static __device__ State none() { return {-T(INFINITY), T(0)}; }
    static __device__ State one(T x, unsigned) { return {x, exp(x - shift(x))}; }
    static __device__ State join(State a, State b) {
        const T largest = a.largest > b.largest ? a.largest : b.largest;
        // A sum of 0 stays 0, though its shift, which is then arbitrary, may be far above the common one.
        const T first = a.sum == T(0) ? T(0) : a.sum * exp(shift(a.largest) - shift(largest));
        const T second = b.sum == T(0) ? T(0) : b.sum * exp(shift(b.largest) - shift(largest));
        return {largest, first + second};
    }
    static __device__ Result finish(State state, double) { return shift(state.largest) + log(state.sum); }
};

// The states of the block's threads of one output, joined; the result is that of threads with threadIdx.y of 0.
template <class Op> __device__ __forceinline__ typename Op::State join_block(typename Op::State state) {
    __shared__ typename Op::State states[BLOCK];
    const unsigned thread = threadIdx.x + blockDim.x * threadIdx.y;
    states[thread] = state;
    for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.y < half) states[thread] = Op::join(states[thread], states[thread + half * blockDim.x]);
    }
    return states[thread];
}

template <class Op, class T>
__device__ __forceinline__ void reduce(
    const T* x, typename Op::Result* out, typename Op::State* parts, unsigned outputs, unsigned reduced, unsigned chunk,
    const Strides<1>& kept_places, const Strides<1>& reduced_places, double count
) {
    const unsigned output = blockIdx.x * blockDim.x + threadIdx.x;
    typename Op::State state = Op::none();
    if (output < outputs) {
        int64_t start[1], at[1];
        kept_places.offsets(output, start);
        const unsigned first = blockIdx.y * chunk;
        const unsigned end = min(first + chunk, reduced);
        for (unsigned i = first + threadIdx.y; i < end; i += blockDim.y) {
            reduced_places.offsets(i, at);
            state = Op::join(state, Op::one(x[start[0] + at[0]], i));
        }
    }
    state = join_block<Op>(state);
    if (output < outputs && threadIdx.y == 0) {
        if (gridDim.y == 1) {
            out[output] = Op::finish(state, count);
        } else {
            parts[blockIdx.y * outputs + output] = state;
        }
    }
}

template <class Op>
__device__ __forceinline__ void join_parts(
    const typename Op::State* parts, typename Op::Result* out, unsigned outputs, unsigned count_of_parts, double count
) {
    const unsigned output = blockIdx.x * blockDim.x + threadIdx.x;
    typename Op::State state = Op::none();
    if (output < outputs) {
        for (unsigned i = threadIdx.y; i < count_of_parts; i += blockDim.y) {
            state = Op::join(state, parts[i * outputs + output]);
        }
    }
    state = join_block<Op>(state);
    if (output < outputs && threadIdx.y == 0) out[output] = Op::finish(state, count);
}

// Kernels `name` and `name_join`, the second for what the blocks of the first leave behind.
#define REDUCTION(name, T, ...)                                                                              \
    BOUNDED_KERNEL(BLOCK, name)                                                                              \
    (const T* x, __VA_ARGS__::Result* out, __VA_ARGS__::State* parts, unsigned outputs, unsigned reduced,    \
     unsigned chunk, Strides<1> kept_places, Strides<1> reduced_places, double count) {                      \
        reduce<__VA_ARGS__>(x, out, parts, outputs, reduced, chunk, kept_places, reduced_places, count);     \
    }                                                                                                        \
    BOUNDED_KERNEL(BLOCK, name##_join)                                                                       \
    (const __VA_ARGS__::State* parts, __VA_ARGS__::Result* out, unsigned outputs, unsigned count_of_parts,   \
     double count) {                                                                                         \
        join_parts<__VA_ARGS__>(parts, out, outputs, count_of_parts, count);                                 \
    }

#define OF_FLOATS(suffix, T)                              \
    REDUCTION(sum_##suffix, T, SumOf<T>)                  \
    REDUCTION(mean_##suffix, T, MeanOf<T>)                \
    REDUCTION(prod_##suffix, T, ProductOf<T>)             \
    REDUCTION(logsumexp_##suffix, T, LogSumExpOf<T>)

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)

#define OF_INTEGERS(suffix, T)                            \
    REDUCTION(sum_##suffix, T, SumOf<int64_t>)            \
    REDUCTION(prod_##suffix, T, ProductOf<int64_t>)

OF_INTEGERS(i64, int64_t)
OF_INTEGERS(u8, uint8_t)
OF_INTEGERS(bool, bool)

#define OF_NUMBERS(suffix, T)                                 \
    REDUCTION(amax_##suffix, T, ExtremeOf<T, true>)           \
    REDUCTION(amin_##suffix, T, ExtremeOf<T, false>)          \
    REDUCTION(argmax_##suffix, T, PositionOf<T, true>)        \
    REDUCTION(argmin_##suffix, T, PositionOf<T, false>)       \
    REDUCTION(count_nonzero_##suffix, T, NonzeroCount)

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)
REDUCTION(count_nonzero_bool, bool, NonzeroCount)
