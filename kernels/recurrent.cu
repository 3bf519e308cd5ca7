// Steps of recurrent layers, forwards and backwards: the product with the hidden states of a batch and what the gates make
// of it, in one kernel. The formulas and the layouts are in crates/cpu/src/recurrent/.
//
// A block makes a tile of EXAMPLES by UNITS numbers, a thread one of them. Both factors of the product pass through shared
// memory, DEPTH at a time.
#include "common.cuh"

constexpr unsigned UNITS = 16, EXAMPLES = 8, DEPTH = 64;
constexpr unsigned STEP_THREADS = UNITS * EXAMPLES;

template <class T> __device__ __forceinline__ T logistic(T x) { return T(1) / (T(1) + exp(-x)); }

// The sizes of a step, and the place of this thread's number in them.
struct Step {
    unsigned batch, hidden;

    __device__ __forceinline__ unsigned first_example() const { return blockIdx.y * EXAMPLES; }
    __device__ __forceinline__ unsigned first_unit() const { return blockIdx.x * UNITS; }
    __device__ __forceinline__ unsigned example() const { return first_example() + threadIdx.y; }
    __device__ __forceinline__ unsigned unit() const { return first_unit() + threadIdx.x; }
    __device__ __forceinline__ bool is_inside() const { return example() < batch && unit() < hidden; }
    // In an array [batch, hidden].
    __device__ __forceinline__ unsigned place() const { return example() * hidden + unit(); }
    // In the first of `parts` parts of the rows of [batch, parts * hidden].
    __device__ __forceinline__ unsigned place(unsigned parts) const { return example() * parts * hidden + unit(); }
};

// Part of the rows of the block's examples of [batch, row], from `start` on: zeros beyond the ends.
template <class T>
__device__ __forceinline__ void load_examples(
    const Step& step, const T* rows, unsigned row, unsigned width, unsigned start, T (&tile)[EXAMPLES][DEPTH]
) {
    for (unsigned i = block_index(); i < EXAMPLES * DEPTH; i += STEP_THREADS) {
        const unsigned example = step.first_example() + i / DEPTH, column = start + i % DEPTH;
        const bool inside = example < step.batch && column < width;
        tile[i / DEPTH][i % DEPTH] = inside ? rows[example * row + column] : T(0);
    }
}

// What the states `before` contribute to this thread's gates: before * weight^T + bias. The weight is
// [GATES * hidden, hidden].
template <unsigned GATES, class T>
__device__ __forceinline__ void contributions(
    const Step& step, const T* before, const T* weight, const T* bias, T (&sums)[GATES]
) {
    __shared__ T states[EXAMPLES][DEPTH];
    // A number more in each row, so that neighbouring threads find theirs in different banks.
    __shared__ T weights[GATES * UNITS][DEPTH + 1];
#pragma unroll
    for (unsigned gate = 0; gate < GATES; gate++) {
        sums[gate] = bias && step.unit() < step.hidden ? bias[gate * step.hidden + step.unit()] : T(0);
    }
    for (unsigned start = 0; start < step.hidden; start += DEPTH) {
        load_examples(step, before, step.hidden, step.hidden, start, states);
#pragma unroll 8
        for (unsigned i = block_index(); i < GATES * UNITS * DEPTH; i += STEP_THREADS) {
            const unsigned row = i / DEPTH, column = start + i % DEPTH;
            const unsigned unit = step.first_unit() + row % UNITS;
            const bool inside = unit < step.hidden && column < step.hidden;
            weights[row][i % DEPTH] = inside ? weight[(row / UNITS * step.hidden + unit) * step.hidden + column] : T(0);
        }
        __syncthreads();
#pragma unroll 16
        for (unsigned k = 0; k < DEPTH; k++) {
#pragma unroll
            for (unsigned gate = 0; gate < GATES; gate++) {
                sums[gate] += states[threadIdx.y][k] * weights[gate * UNITS + threadIdx.x][k];
            }
        }
        __syncthreads();
    }
}

// What the gradients `later` of gates ask of this thread's state: later * weight. The rows of `later` are 4 * hidden long, of
// which the first GATES * hidden count. Their column j belongs to row (j + shift) % (GATES * hidden) of the weight.
template <unsigned GATES, class T>
__device__ __forceinline__ T asked(const Step& step, const T* later, const T* weight, unsigned shift) {
    __shared__ T gradients[EXAMPLES][DEPTH];
    __shared__ T weights[DEPTH][UNITS];
    const unsigned width = GATES * step.hidden;
    T sum = T(0);
    for (unsigned start = 0; start < width; start += DEPTH) {
        load_examples(step, later, 4 * step.hidden, width, start, gradients);
#pragma unroll
        for (unsigned i = block_index(); i < DEPTH * UNITS; i += STEP_THREADS) {
            const unsigned column = start + i / UNITS, unit = step.first_unit() + i % UNITS;
            const unsigned row = column + shift < width ? column + shift : column + shift - width;
            const bool inside = column < width && unit < step.hidden;
            weights[i / UNITS][i % UNITS] = inside ? weight[row * step.hidden + unit] : T(0);
        }
        __syncthreads();
#pragma unroll 16
        for (unsigned k = 0; k < DEPTH; k++) sum += gradients[threadIdx.y][k] * weights[k][threadIdx.x];
        __syncthreads();
    }
    return sum;
}

// Keeps r, z, n and the contribution to n.
template <class T>
__device__ __forceinline__ void gru_step(
    const Step& step, const T* projected, const T* weight, const T* bias, const T* before, T* kept, T* after
) {
    T q[3];
    contributions(step, before, weight, bias, q);
    if (!step.is_inside()) return;
    const unsigned hidden = step.hidden;
    const T* const p = projected + step.place(3);
    T* const keep = kept + step.place(4);
    const T r = logistic(p[0] + q[0]), z = logistic(p[hidden] + q[1]), n = tanh(p[2 * hidden] + r * q[2]);
    keep[0] = r;
    keep[hidden] = z;
    keep[2 * hidden] = n;
    keep[3 * hidden] = q[2];
    after[step.place()] = n + z * (before[step.place()] - n);
}

// Keeps i, f, g and o. `last` is where the cell goes once more after the last step, else null.
template <class T>
__device__ __forceinline__ void lstm_step(
    const Step& step, const T* projected, const T* weight, const T* bias, const T* before, const T* cell_before, T* kept,
    T* after, T* cell, T* last
) {
    T q[4];
    contributions(step, before, weight, bias, q);
    if (!step.is_inside()) return;
    const unsigned hidden = step.hidden, place = step.place();
    const T* const p = projected + step.place(4);
    T* const keep = kept + step.place(4);
    const T i = logistic(p[0] + q[0]), f = logistic(p[hidden] + q[1]);
    const T g = tanh(p[2 * hidden] + q[2]), o = logistic(p[3 * hidden] + q[3]);
    keep[0] = i;
    keep[hidden] = f;
    keep[2 * hidden] = g;
    keep[3 * hidden] = o;
    const T c = f * cell_before[place] + i * g;
    cell[place] = c;
    if (last) last[place] = c;
    after[place] = o * tanh(c);
}

// One step backwards. `later` are the gradients of the gates of the step after it, null at the last step. `carried` comes as
// what that step asks of this one's state but by way of the product, and goes as what this one asks of the step before.
// Behind the first step `gradient` is null, and `carried` goes as the gradient of the initial state.
template <class T>
__device__ __forceinline__ void gru_grad_step(
    const Step& step, const T* gradient, const T* weight, const T* kept, const T* before, const T* later, T* gates, T* carried
) {
    // The rows of gates begin with n, which is last in the weight.
    T of_state = later ? asked<3>(step, later, weight, 2 * step.hidden) : T(0);
    if (!step.is_inside()) return;
    const unsigned hidden = step.hidden, place = step.place();
    if (later) of_state += carried[place];
    if (gradient) {
        const T* const keep = kept + step.place(4);
        const T r = keep[0], z = keep[hidden], n = keep[2 * hidden], q = keep[3 * hidden];
        of_state += gradient[place];
        const T of_n = of_state * (T(1) - z) * (T(1) - n * n);
        T* const out = gates + step.place(4);
        out[0] = of_n * r;
        out[hidden] = of_n * q * (r * (T(1) - r));
        out[2 * hidden] = of_state * (before[place] - n) * (z * (T(1) - z));
        out[3 * hidden] = of_n;
        of_state *= z;
    }
    carried[place] = of_state;
}

// One step backwards, likewise. `memory` comes as what later steps ask of this one's cell.
template <class T>
__device__ __forceinline__ void lstm_grad_step(
    const Step& step, const T* gradient, const T* weight, const T* kept, const T* cell_before, const T* cell, const T* later,
    T* sums, T* carried, T* memory
) {
    T of_state = later ? asked<4>(step, later, weight, 0) : T(0);
    if (!step.is_inside()) return;
    const unsigned hidden = step.hidden, place = step.place();
    if (!gradient) {
        carried[place] = of_state;
        return;
    }
    const T* const keep = kept + step.place(4);
    const T i = keep[0], f = keep[hidden], g = keep[2 * hidden], o = keep[3 * hidden];
    const T squashed = tanh(cell[place]);
    of_state += gradient[place];
    const T of_cell = memory[place] + of_state * o * (T(1) - squashed * squashed);
    T* const out = sums + step.place(4);
    out[0] = of_cell * g * (i * (T(1) - i));
    out[hidden] = of_cell * cell_before[place] * (f * (T(1) - f));
    out[2 * hidden] = of_cell * i * (T(1) - g * g);
    out[3 * hidden] = of_state * squashed * (o * (T(1) - o));
    memory[place] = of_cell * f;
}

#define OF_FLOATS(suffix, T)                                                                                          \
    KERNEL(gru_step_##suffix)                                                                                         \
    (Step step, const T* projected, const T* weight, const T* bias, const T* before, T* kept, T* after) {             \
        gru_step(step, projected, weight, bias, before, kept, after);                                                 \
    }                                                                                                                 \
    KERNEL(lstm_step_##suffix)                                                                                        \
    (Step step, const T* projected, const T* weight, const T* bias, const T* before, const T* cell_before, T* kept,   \
     T* after, T* cell, T* last) {                                                                                    \
        lstm_step(step, projected, weight, bias, before, cell_before, kept, after, cell, last);                       \
    }                                                                                                                 \
    KERNEL(gru_grad_step_##suffix)                                                                                    \
    (Step step, const T* gradient, const T* weight, const T* kept, const T* before, const T* later, T* gates,         \
     T* carried) {                                                                                                    \
        gru_grad_step(step, gradient, weight, kept, before, later, gates, carried);                                   \
    }                                                                                                                 \
    KERNEL(lstm_grad_step_##suffix)                                                                                   \
    (Step step, const T* gradient, const T* weight, const T* kept, const T* cell_before, const T* cell,               \
     const T* later, T* sums, T* carried, T* memory) {                                                                \
        lstm_grad_step(step, gradient, weight, kept, cell_before, cell, later, sums, carried, memory);                \
    }

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
