// A product of two matrices by tiles: a block gathers pieces of both in shared memory and adds up their products. Where the
// elements come from is the business of a loader, which unlike those of operand.cuh passes them through registers, as it
// works out their places in common for many.
//
// A tile is a type with
//   Element, ROWS and COLUMNS of the block's piece of the result, THREADS of the block, DEPTH of a step;
//   Shared, two buffers for each side, of which one is filled while the other is multiplied;
//   multiply(shared, buffer), which adds the product of a pair of buffers to the thread's sums;
//   each(f), which calls f(row, column, sum) for every sum of the thread, by row and column in the tile;
//   EXACT_WHERE_INFINITE, whether sums that are not finite may be wrong, and is_finite() if so.
#pragma once
#include "common.cuh"

// Terms of the sums that are in shared memory at a time.
constexpr int STEP_DEPTH = 16;

// Elements of one side of a product: `outers` rows or columns by DEPTH terms. The padding spreads over the banks what a warp
// reads or writes at once.
template <class T, int OUTERS, int DEPTH, bool ALONG_DEPTH_, int PADDING> struct Side {
    static constexpr bool ALONG_DEPTH = ALONG_DEPTH_;
    static constexpr int PITCH = (ALONG_DEPTH ? DEPTH : OUTERS) + PADDING;
    alignas(16) T elements[(ALONG_DEPTH ? OUTERS : DEPTH) * PITCH];

    static __device__ __forceinline__ int at(int outer, int depth) {
        return ALONG_DEPTH ? outer * PITCH + depth : depth * PITCH + outer;
    }
    __device__ __forceinline__ T& operator()(int outer, int depth) { return elements[at(outer, depth)]; }
    __device__ __forceinline__ T operator()(int outer, int depth) const { return elements[at(outer, depth)]; }
};

// A tile by plain multiplications. The block's warps stand in a grid of WARP_ROWS x WARP_COLUMNS; a thread has HEIGHT rows
// next to each other, and WIDTH columns, a warp apart so that neighbouring lanes have neighbouring columns.
template <class T, int WARP_ROWS, int WARP_COLUMNS, int HEIGHT, int WIDTH> struct PlainTile {
    using Element = T;
    static constexpr int ROWS = WARP_ROWS * HEIGHT, COLUMNS = WARP_COLUMNS * WARP * WIDTH;
    static constexpr int THREADS = WARP_ROWS * WARP_COLUMNS * WARP, DEPTH = STEP_DEPTH;
    static constexpr bool EXACT_WHERE_INFINITE = false;

    struct Shared {
        // Rows begin at multiples of 16 bytes, so that a thread reads several at once.
        Side<T, ROWS, DEPTH, false, 4> left[2];
        Side<T, COLUMNS, DEPTH, false, 2> right[2];
    };

    T sum[HEIGHT][WIDTH];

    __device__ __forceinline__ PlainTile() : sum() {}

    static __device__ __forceinline__ int first_row() { return (int)threadIdx.x / WARP / WARP_COLUMNS * HEIGHT; }
    static __device__ __forceinline__ int first_column() {
        return (int)threadIdx.x / WARP % WARP_COLUMNS * (WARP * WIDTH) + (int)threadIdx.x % WARP;
    }

    __device__ __forceinline__ void multiply(const Shared& shared, int buffer) {
        const int row = first_row(), column = first_column();
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            T left[HEIGHT], right[WIDTH];
#pragma unroll
            for (int i = 0; i < HEIGHT; i++) left[i] = shared.left[buffer](row + i, k);
#pragma unroll
            for (int j = 0; j < WIDTH; j++) right[j] = shared.right[buffer](column + j * WARP, k);
#pragma unroll
            for (int i = 0; i < HEIGHT; i++) {
#pragma unroll
                for (int j = 0; j < WIDTH; j++) sum[i][j] += left[i] * right[j];
            }
        }
    }

    template <class F> __device__ __forceinline__ void each(F f) const {
#pragma unroll
        for (int j = 0; j < WIDTH; j++) {
#pragma unroll
            for (int i = 0; i < HEIGHT; i++) f(first_row() + i, first_column() + j * WARP, sum[i][j]);
        }
    }
};

// Adds the sums of `steps` times DEPTH terms to those of a tile. A loader knows three things: `prepare` works out where the
// terms of a step are, `fetch` reads them into registers, and `put` writes them to shared memory; each is called for all
// steps in order. So the loads of a step are on their way while the step before is multiplied.
template <class Tile, class Loader>
__device__ __forceinline__ void add_products(Tile& tile, typename Tile::Shared& shared, Loader loader, int steps) {
    if (steps == 0) return;
    loader.prepare(0);
    loader.prepare(1);
    __syncthreads();
    loader.fetch(0);
    loader.put(shared.left[0], shared.right[0]);
    __syncthreads();
    for (int step = 0; step < steps; step++) {
        const bool more = step + 1 < steps;
        if (more) loader.fetch(step + 1);
        loader.prepare(step + 2);
        tile.multiply(shared, step % 2);
        if (more) loader.put(shared.left[(step + 1) % 2], shared.right[(step + 1) % 2]);
        __syncthreads();
    }
}

// The sums of a tile by plain multiplications, without regard to speed.
template <class Tile> struct Plainly {
    using Shared = typename Tile::Shared;
    Tile tile;

    __device__ __forceinline__ void multiply(const Shared& shared, int buffer) {
#pragma unroll 1
        for (int k = 0; k < Tile::DEPTH; k++) {
            tile.each([&](int row, int column, typename Tile::Element& sum) {
                sum = fmaf(shared.left[buffer](row, k), shared.right[buffer](column, k), sum);
            });
        }
    }
};

// The sums of `steps` times DEPTH terms.
template <class Tile, class Loader>
__device__ __forceinline__ Tile sum_products(typename Tile::Shared& shared, const Loader& loader, int steps) {
    Tile tile;
    add_products(tile, shared, loader, steps);
    if constexpr (Tile::EXACT_WHERE_INFINITE) {
        // Rare, and then worth doing again.
        if (__syncthreads_or(!tile.is_finite())) {
            Plainly<Tile> plain;
            add_products(plain, shared, loader, steps);
            tile = plain.tile;
        }
    }
    return tile;
}
