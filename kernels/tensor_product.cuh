// Tiles (tile.cuh) that multiply on the tensor cores, in TF32 (tensor_tile.cuh).
#pragma once
#include "tensor_tile.cuh"
#include "tile.cuh"

// The warps stand in a grid of WARP_ROWS x WARP_COLUMNS, and share the tile evenly. RIGHT_ALONG_DEPTH: whether neighbouring
// threads bring neighbouring terms of the right side, or else neighbouring columns; of the left side always terms.
template <int ROWS_, int COLUMNS_, int WARP_ROWS, int WARP_COLUMNS, int PRODUCTS, bool RIGHT_ALONG_DEPTH> struct TensorProduct {
    using Element = float;
    using Sums = TensorTile<ROWS_, COLUMNS_, STEP_DEPTH, WARP_ROWS, WARP_COLUMNS, 2, PRODUCTS>;
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, THREADS = Sums::THREADS, DEPTH = STEP_DEPTH;
    static constexpr bool EXACT_WHERE_INFINITE = Sums::EXACT_WHERE_INFINITE;

    using Left = Side<float, ROWS, DEPTH, true, 4>;
    using Right = Side<float, COLUMNS, DEPTH, RIGHT_ALONG_DEPTH, RIGHT_ALONG_DEPTH ? 4 : 8>;
    struct Shared {
        Left left[2];
        Right right[2];
    };

    Sums sums;

    __device__ __forceinline__ void multiply(const Shared& shared, int buffer) {
        sums.template add<Left, Right>(shared.left[buffer].elements, shared.right[buffer].elements);
    }

    // Calls f(row, column, sum), where the sum may be changed.
    template <class F> __device__ __forceinline__ void each(F f) {
        const int first_row = Sums::warp_row() + Sums::lane() / 4, first_column = Sums::warp_column() + Sums::lane() % 4 * 2;
#pragma unroll
        for (int step = 0; step < Sums::ROW_STEPS; step++) {
#pragma unroll
            for (int j = 0; j < Sums::COLUMN_STEPS; j++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    f(first_row + step * 16 + i / 2 * 8, first_column + j * 8 + i % 2, sums.sums[step][j][i]);
                }
            }
        }
    }

    __device__ __forceinline__ bool is_finite() {
        // Zero, or NaN if there is one that is not.
        float check = 0;
        each([&](int, int, float sum) { check += sum * 0; });
        return check == 0;
    }
};
