// A block's tile of a product of f32 matrices on the tensor cores, in TF32.
//
// TF32 keeps 10 bits of a mantissa. With PRODUCTS = 3 each number is split into two of them, high + low, and
// a·b ≈ a_high·b_high + a_high·b_low + a_low·b_high, which comes to about the accuracy of f32. With PRODUCTS = 1 numbers are
// merely rounded.
#pragma once
#include "mma.cuh"
#include "operand.cuh"

template <int ROWS_, int COLUMNS_, int DEPTHS_, int WARP_ROWS, int WARP_COLUMNS, int STAGES_, int PRODUCTS>
struct TensorTile {
    using Element = float;
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DEPTHS = DEPTHS_, STAGES = STAGES_;
    static constexpr int THREADS = WARP_ROWS * WARP_COLUMNS * WARP;
    // Of which a multiprocessor has registers for this many.
    static constexpr int BLOCKS = ROWS * COLUMNS > 64 * 64 ? 1 : ROWS * COLUMNS > 32 * 32 ? 3 : 4;
    // A warp has ROW_STEPS x COLUMN_STEPS steps of 16 x 8 numbers.
    static constexpr int ROW_STEPS = ROWS / WARP_ROWS / 16, COLUMN_STEPS = COLUMNS / WARP_COLUMNS / 8;
    // The parts of infinity are infinity and NaN, and three products of them add up to NaN: sums that are not finite are
    // done again without parts.
    static constexpr bool EXACT_WHERE_INFINITE = PRODUCTS == 3;

    float sums[ROW_STEPS][COLUMN_STEPS][4];

    __device__ __forceinline__ static int lane() { return threadIdx.x % WARP; }
    // The first row and column of the warp's part.
    __device__ __forceinline__ static int warp_row() { return threadIdx.x / WARP / WARP_COLUMNS * (ROWS / WARP_ROWS); }
    __device__ __forceinline__ static int warp_column() {
        return threadIdx.x / WARP % WARP_COLUMNS * (COLUMNS / WARP_COLUMNS);
    }

    __device__ __forceinline__ TensorTile() : sums() {}

    // Writes the sums to shared memory, row by row, `pitch` apart. Returns whether all of this thread's are finite.
    __device__ __forceinline__ bool write(float* shared, int pitch) const {
        float* const corner = shared + (warp_row() + lane() / 4) * pitch + warp_column() + lane() % 4 * 2;
        // Zero, or NaN if there is one that is not finite.
        float check = 0;
#pragma unroll
        for (int step = 0; step < ROW_STEPS; step++) {
#pragma unroll
            for (int j = 0; j < COLUMN_STEPS; j++) {
#pragma unroll
                for (int i = 0; i < 4; i += 2) {
                    const float2 pair = make_float2(sums[step][j][i], sums[step][j][i + 1]);
                    *reinterpret_cast<float2*>(corner + (step * 16 + i * 4) * pitch + j * 8) = pair;
                    check += pair.x * 0 + pair.y * 0;
                }
            }
        }
        return check == 0;
    }

    // A number's parts, as the bits of TF32.
    struct Parts {
        unsigned high, low;
    };
    __device__ __forceinline__ static Parts parts(float x) {
        const unsigned high = to_tf32(x);
        return {high, PRODUCTS == 3 ? tf32_remainder(x, high) : 0};
    }

    // Adds the product of two tiles in shared memory.
    //
    // The tensor cores add in f32 but cut off what does not fit, and so drift towards zero: hence they start at zero for
    // each pair of tiles, and what they give is added to the sums by ordinary, rounded additions. Where a warp has few
    // steps, the three products have sums of their own, as one must otherwise wait for the other.
    template <class LayoutA, class LayoutB> __device__ __forceinline__ void add(const float* a, const float* b) {
        constexpr int CHAINS = ROW_STEPS * COLUMN_STEPS <= 2 ? PRODUCTS : 1;
        float fresh[CHAINS][ROW_STEPS][COLUMN_STEPS][4] = {};
        const int row = warp_row() + lane() / 4, column = warp_column() + lane() / 4;
#pragma unroll
        for (int depth = 0; depth < DEPTHS; depth += 8) {
            unsigned b_high[COLUMN_STEPS][2], b_low[COLUMN_STEPS][2];
#pragma unroll
            for (int j = 0; j < COLUMN_STEPS; j++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    const Parts x = parts(b[LayoutB::at(column + j * 8, depth + lane() % 4 + i * 4)]);
                    b_high[j][i] = x.high, b_low[j][i] = x.low;
                }
            }
#pragma unroll
            for (int step = 0; step < ROW_STEPS; step++) {
                unsigned a_high[4], a_low[4];
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const Parts x = parts(a[LayoutA::at(row + step * 16 + i % 2 * 8, depth + lane() % 4 + i / 2 * 4)]);
                    a_high[i] = x.high, a_low[i] = x.low;
                }
                // The smallest first.
                if constexpr (PRODUCTS == 3) {
#pragma unroll
                    for (int j = 0; j < COLUMN_STEPS; j++) mma_tf32(fresh[0][step][j], a_low, b_high[j]);
#pragma unroll
                    for (int j = 0; j < COLUMN_STEPS; j++) mma_tf32(fresh[1 % CHAINS][step][j], a_high, b_low[j]);
                }
#pragma unroll
                for (int j = 0; j < COLUMN_STEPS; j++) mma_tf32(fresh[CHAINS - 1][step][j], a_high, b_high[j]);
            }
        }
#pragma unroll
        for (int step = 0; step < ROW_STEPS; step++) {
#pragma unroll
            for (int j = 0; j < COLUMN_STEPS; j++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    float sum = fresh[0][step][j][i];
#pragma unroll
                    for (int chain = 1; chain < CHAINS; chain++) sum += fresh[chain][step][j][i];
                    sums[step][j][i] += sum;
                }
            }
        }
    }
};
