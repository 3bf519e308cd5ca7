// Draws: every element is a function of (seed, stream, offset, its place) alone, and has the CPU's very bits.
#include "philox.cuh"
#include "strides.cuh"

// Sets the elements block by block to what `draw` makes of the words. `draw(words, first, number)` gets the number of the
// block's first element and writes the block's elements.
template <class T, class F>
__device__ __forceinline__ void fill_blocks(T* out, unsigned count, const DrawPosition& position, F draw) {
    constexpr unsigned PER_BLOCK = Drawn<T>::COUNT;
    struct alignas(16) Group {
        Drawn<T> drawn;
    };
    const bool aligned = reinterpret_cast<size_t>(out) % 16 == 0;
    FOR_EACH(block, (count + PER_BLOCK - 1) / PER_BLOCK) {
        const unsigned first = block * PER_BLOCK;
        Group group;
        draw(position.block(block), first, group.drawn);
        if (aligned && first + PER_BLOCK <= count) {
            *reinterpret_cast<Group*>(out + first) = group;
        } else {
#pragma unroll
            for (unsigned i = 0; i < PER_BLOCK; i++) {
                if (first + i < count) out[first + i] = group.drawn.number[i];
            }
        }
    }
}

// Kernel `name`, for type T: each number x of a block, drawn by `drawer`, becomes the expression, which may use p and q.
#define DRAW(name, T, drawer, ...)                                                                       \
    KERNEL(name)(T* out, unsigned count, DrawPosition position, T p, T q) {                              \
        fill_blocks(out, count, position, [=](const Words& words, unsigned, Drawn<T>& drawn) {           \
            drawer(words, drawn);                                                                        \
            (void)p, (void)q;                                                                            \
            _Pragma("unroll") for (int i = 0; i < Drawn<T>::COUNT; i++) {                                \
                const Plain<T> x = drawn.number[i];                                                      \
                drawn.number[i] = Plain<T>(__VA_ARGS__).value;                                           \
            }                                                                                            \
        });                                                                                              \
    }

// low + unit * width, which rounding may carry to the upper end.
template <class T> __device__ __forceinline__ Plain<T> between(Plain<T> unit, Plain<T> low, Plain<T> high) {
    const Plain<T> value = low + unit * (high - low);
    return value < high ? value : low;
}

// Parameters: uniform low, high; normal mean, standard deviation; exponential rate.
#define DRAWS(suffix, T)                                                          \
    DRAW(uniform_##suffix, T, draw_units, between(x, Plain<T>(p), Plain<T>(q)))   \
    DRAW(normal_##suffix, T, draw_normals, mul_add(Plain<T>(q), x, Plain<T>(p)))  \
    DRAW(exponential_##suffix, T, draw_waits, x / Plain<T>(p))                    \
    DRAW(gumbel_##suffix, T, draw_waits, -logarithm(x))

DRAWS(f32, float)
DRAWS(f64, double)

// low + the upper half of a word times the width, whose bias is below width / 2^64.
KERNEL(randint_i64)(int64_t* out, unsigned count, DrawPosition position, int64_t low, uint64_t width) {
    fill_blocks(out, count, position, [=](const Words& words, unsigned, Drawn<int64_t>& drawn) {
        for (int i = 0; i < 2; i++) {
            drawn.number[i] = (int64_t)((uint64_t)low + (uint64_t)__umul64hi(words.wide(i), width));
        }
    });
}

// Kernel `name`: each element x of `input` and a unit u become the expression, which may use p and q.
#define WITH_UNITS(name, T, ...)                                                                               \
    KERNEL(name)(const T* input, T* out, unsigned count, DrawPosition position, T p, T q) {                    \
        fill_blocks(out, count, position, [=](const Words& words, unsigned first, Drawn<T>& drawn) {           \
            draw_units(words, drawn);                                                                          \
            (void)p, (void)q;                                                                                  \
            _Pragma("unroll") for (int i = 0; i < Drawn<T>::COUNT; i++) {                                      \
                const T u = drawn.number[i], x = first + i < count ? input[first + i] : T(0);                  \
                drawn.number[i] = __VA_ARGS__;                                                                 \
            }                                                                                                  \
        });                                                                                                    \
    }

// Dropout's parameters: the probability of zero, and the scale of what is kept.
WITH_UNITS(bernoulli_f32, float, u < x ? 1.0f : 0.0f)
WITH_UNITS(bernoulli_f64, double, u < x ? 1.0 : 0.0)
WITH_UNITS(dropout_f32, float, u < p ? 0.0f : x * q)
WITH_UNITS(dropout_f64, double, u < p ? 0.0 : x * q)
