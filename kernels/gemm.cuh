// The product of two operands (operand.cuh) into a result (epilogue.cuh), a tile of it (tensor_tile.cuh, fma_tile.cuh)
// a block, with the sum over the depth cut among several blocks where there are few tiles.
//
//     multiply<Tile>(a, b, result, work, slot, parts, shared);
//
// with a grid of (tiles of the result, splits, batches), Tile::THREADS threads and SharedMemory<Tile, A, B>::BYTES of
// dynamic shared memory. Each element is one sum in one order that the shape decides.
#pragma once
#include "epilogue.cuh"
#include "operand.cuh"

// What a launch has to do, as the launcher fills it.
struct Work {
    int rows, columns, depth;
    // Blocks that share the depth of one tile, and how many depths each of them has: a multiple of the tile's.
    int splits, split_depth;
    int unused;
};

// Tiles that can be split in one launch.
constexpr int MOST_SPLIT_TILES = 2048;

// How many blocks have written their parts of each tile. Zero between launches: the last block of a tile puts it back.
// The launches of a device come one after another in one stream.
static __device__ unsigned arrivals[MOST_SPLIT_TILES];

// Which tile of the result a block has. Neighbouring blocks, which run at the same time, have a patch of it, eight tiles
// high, so that they read the same rows and columns while these are in the cache.
struct Place {
    int row, column;

    template <class Tile> static __device__ __forceinline__ Place of(int block, const Work& work) {
        constexpr int HIGH = 8;
        const int rows = (work.rows + Tile::ROWS - 1) / Tile::ROWS;
        const int columns = (work.columns + Tile::COLUMNS - 1) / Tile::COLUMNS;
        const int patch = block / (HIGH * columns), rest = block - patch * HIGH * columns;
        const int high = smaller(HIGH, rows - patch * HIGH);
        return {(patch * HIGH + rest % high) * Tile::ROWS, rest / high * Tile::COLUMNS};
    }
};

// The layouts of both operands' tiles in shared memory.
template <class Tile, class A, class B> struct Stage {
    using T = typename Tile::Element;
    using LayoutA = TileLayout<T, A::ALONG_DEPTH, Tile::ROWS, Tile::DEPTHS>;
    using LayoutB = TileLayout<T, B::ALONG_DEPTH, Tile::COLUMNS, Tile::DEPTHS>;
    static constexpr int SIZE = LayoutA::SIZE + LayoutB::SIZE;
};

// A block's sums in shared memory, row by row. They are read in runs, of which neighbouring threads have neighbouring
// ones. The padding spreads a warp's writes over the banks.
template <class Tile> struct TileSums {
    using T = typename Tile::Element;
    static constexpr int PITCH = Tile::COLUMNS + 8, SIZE = Tile::ROWS * PITCH;
    static constexpr int RUNS = Tile::ROWS * Tile::COLUMNS / Run<T>::LENGTH;
    static_assert(RUNS % Tile::THREADS == 0, "each thread has as many runs");

    static __device__ __forceinline__ int row(int run) { return run / (Tile::COLUMNS / Run<T>::LENGTH); }
    static __device__ __forceinline__ int column(int run) {
        return run % (Tile::COLUMNS / Run<T>::LENGTH) * Run<T>::LENGTH;
    }
    static __device__ __forceinline__ const Run<T>& at(const T* shared, int run) {
        return *reinterpret_cast<const Run<T>*>(shared + row(run) * PITCH + column(run));
    }
};

// Bytes of shared memory of a block, which the stages have first and the sums afterwards. crates/cuda/src/gemm/plan.rs
// has the formula too.
template <class Tile, class A, class B> struct SharedMemory {
    static constexpr int STAGES = Tile::STAGES * Stage<Tile, A, B>::SIZE, SUMS = TileSums<Tile>::SIZE;
    static constexpr int BYTES = (STAGES > SUMS ? STAGES : SUMS) * (int)sizeof(typename Tile::Element);
};

// tile += the products over the depths from `first` to `end`, STAGES - 1 pairs of operands' tiles on their way while one
// is multiplied.
template <class Tile, class A, class B, class T>
__device__ __forceinline__ void accumulate(
    Tile& tile, const A& a, const B& b, Place place, int first, int end, T* shared
) {
    using Stage = ::Stage<Tile, A, B>;
    const Supply<A, Tile::ROWS, Tile::DEPTHS, Tile::THREADS> supply_a(a, place.row);
    const Supply<B, Tile::COLUMNS, Tile::DEPTHS, Tile::THREADS> supply_b(b, place.column);
    const int steps = (end - first + Tile::DEPTHS - 1) / Tile::DEPTHS;
    // The rounds before step 0 only start copies.
#pragma unroll 1
    for (int step = 1 - Tile::STAGES; step < steps; step++) {
        if (step >= 0) {
            wait_for_copies<Tile::STAGES - 2>();
            // Everybody's copies for this step are there, and everybody is done with the stage that is filled next.
            __syncthreads();
        }
        const int next = step + Tile::STAGES - 1;
        if (next < steps) {
            T* stage = shared + next % Tile::STAGES * Stage::SIZE;
            supply_a.start(a, first + next * Tile::DEPTHS, stage);
            supply_b.start(b, first + next * Tile::DEPTHS, stage + Stage::LayoutA::SIZE);
        }
        // An empty group at the end, so that the number of groups tells the number of steps.
        end_copy_group();
        if (step >= 0) {
            const T* stage = shared + step % Tile::STAGES * Stage::SIZE;
            tile.template add<typename Stage::LayoutA, typename Stage::LayoutB>(stage, stage + Stage::LayoutA::SIZE);
        }
    }
    wait_for_copies<0>();
    // The stages may be used for something else from here on.
    __syncthreads();
}

// One sum without parts or tiles.
template <class A, class B>
__device__ __forceinline__ float plain_sum(const A& a, const B& b, int row, int column, int first, int end) {
    float sum = 0;
    const typename A::Outer outer_a = a.outer(row);
    const typename B::Outer outer_b = b.outer(column);
#pragma unroll 1
    for (int depth = first; depth < end; depth++) {
        const Piece<float> x = a.template piece<1>(outer_a, a.depth(depth));
        const Piece<float> y = b.template piece<1>(outer_b, b.depth(depth));
        sum = fmaf(x.count ? *x.from : 0.0f, y.count ? *y.from : 0.0f, sum);
    }
    return sum;
}

// Counts this block in for a tile that `splits` blocks share, once it has written its part, and says whether it is the
// last: all parts can then be read.
__device__ __forceinline__ bool arrives_last(int slot, int splits) {
    __shared__ bool last;
    // Whoever sees the count sees what was written before.
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(&arrivals[slot], 1u) == (unsigned)splits - 1;
        if (last) arrivals[slot] = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

// This block's part of the product. `slot` numbers the tiles of the launch, and `parts` has room for the numbers of
// work.splits tiles for each; neither is used without splits. The work may be followed by another of the same block.
template <class Tile, class A, class B, class R, class T>
__device__ __forceinline__ void multiply(
    const A& a, const B& b, const R& result, const Work& work, int slot, T* parts, T* shared
) {
    using Sums = TileSums<Tile>;
    const Place place = Place::of<Tile>(blockIdx.x, work);
    const int first = blockIdx.y * work.split_depth, end = smaller(first + work.split_depth, work.depth);

    Tile tile;
    accumulate(tile, a, b, place, first, end, shared);
    const bool good = tile.write(shared, Sums::PITCH);
    const bool redo = __syncthreads_or(!good);
    if constexpr (Tile::EXACT_WHERE_INFINITE) {
        // It takes long, but is rare.
        for (int i = threadIdx.x; redo && i < Tile::ROWS * Tile::COLUMNS; i += Tile::THREADS) {
            const int row = i / Tile::COLUMNS, column = i % Tile::COLUMNS;
            shared[row * Sums::PITCH + column] = plain_sum(a, b, place.row + row, place.column + column, first, end);
        }
        if (redo) __syncthreads();
    }

    const Run<T>* all = nullptr;
    if (work.splits > 1) {
        Run<T>* const slots = reinterpret_cast<Run<T>*>(parts) + (int64_t)slot * work.splits * Sums::RUNS;
        Run<T>* const mine = slots + blockIdx.y * Sums::RUNS;
        for (int run = threadIdx.x; run < Sums::RUNS; run += Tile::THREADS) mine[run] = Sums::at(shared, run);
        all = slots;
    }
    if (work.splits == 1 || arrives_last(slot, work.splits)) {
#pragma unroll 1
        for (int run = threadIdx.x; run < Sums::RUNS; run += Tile::THREADS) {
            Run<T> sum = all ? all[run] : Sums::at(shared, run);
            // In the order of the splits, whoever came last.
#pragma unroll 4
            for (int split = 1; split < work.splits; split++) {
                const Run<T> part = all[split * Sums::RUNS + run];
#pragma unroll
                for (int i = 0; i < Run<T>::LENGTH; i++) sum.element[i] += part.element[i];
            }
            result.put(place.row + Sums::row(run), place.column + Sums::column(run), sum);
        }
    }
    __syncthreads();
}
