// C = A·B by rows, A [m, k], B [k, n], C [m, n]: numbered kernels, each with one idea more than the one before it.
// crates/book/src/kernels/gemm.rs starts them; the text is docs/book/src/gemm.md.
//
// A kernel is the program of one thread. A launch runs it in a grid of blocks, and a thread finds its work from its numbers:
// blockIdx, that of its block, and threadIdx, its own within the block. A block stays on one multiprocessor of the device and
// has shared memory there, small and near; A, B and C lie in global memory, large and far. Threads go in warps of 32, one
// instruction for all of them. Global memory is read and written in pieces of 32 bytes, so an instruction is served soonest
// if the numbers that a warp asks for lie next to each other. Shared memory has 32 banks, number after number in the next, and
// each bank gives one number at a time: an instruction is served soonest if its numbers lie in different banks, or are the same.
//
// A grid is made of whole blocks. The last ones reach beyond the edges of C, hence all the bounds. Sizes fit into an int; the
// place of a number in a matrix may not, hence int64_t.
#include "register_tile.cuh"

// 1: a thread for each result, by definition. The 32 threads of a warp have 32 rows of one column: what they read of A and
// write of C lies a whole row apart, and each number costs a piece of memory of its own.
// A block has 32 rows and 8 columns.
BOUNDED_KERNEL(256, book_gemm_by_definition)(const float* a, const float* b, float* c, int m, int k, int n) {
    const int i = blockIdx.y * 32 + threadIdx.x % 32, j = blockIdx.x * 8 + threadIdx.x / 32;
    if (i >= m || j >= n) return;
    float sum = 0.0f;
    for (int p = 0; p < k; p++) sum += a[(int64_t)i * k + p] * b[(int64_t)p * n + j];
    c[(int64_t)i * n + j] = sum;
}

// 2: the same with rows and columns exchanged. A warp has 32 columns of one row: it reads 128 neighbouring bytes of B, one
// number of A for all threads, and writes 128 neighbouring bytes. This is called coalesced.
// A block has 8 rows and 32 columns.
BOUNDED_KERNEL(256, book_gemm_along_rows)(const float* a, const float* b, float* c, int m, int k, int n) {
    const int i = blockIdx.y * 8 + threadIdx.x / 32, j = blockIdx.x * 32 + threadIdx.x % 32;
    if (i >= m || j >= n) return;
    float sum = 0.0f;
    for (int p = 0; p < k; p++) sum += a[(int64_t)i * k + p] * b[(int64_t)p * n + j];
    c[(int64_t)i * n + j] = sum;
}

// Rows, columns and depth of a tile.
constexpr int TILE = 32;

// 3: the threads of a block work together. They bring a tile of A and one of B into shared memory, a number each, wait for
// each other, and read from there: what came from afar once is used TILE times. What lies beyond an edge counts as zero.
// A block has TILE rows and TILE columns.
BOUNDED_KERNEL(TILE * TILE, book_gemm_tiles)(const float* a, const float* b, float* c, int m, int k, int n) {
    __shared__ float tile_a[TILE][TILE], tile_b[TILE][TILE];
    const int row = threadIdx.x / TILE, column = threadIdx.x % TILE;
    const int i = blockIdx.y * TILE + row, j = blockIdx.x * TILE + column;
    float sum = 0.0f;
    for (int first = 0; first < k; first += TILE) {
        tile_a[row][column] = i < m && first + column < k ? a[(int64_t)i * k + first + column] : 0.0f;
        tile_b[row][column] = first + row < k && j < n ? b[(int64_t)(first + row) * n + j] : 0.0f;
        // Nobody reads before all have written.
        __syncthreads();
        for (int p = 0; p < TILE; p++) sum += tile_a[row][p] * tile_b[p][column];
        // And nobody writes again before all have read.
        __syncthreads();
    }
    if (i < m && j < n) c[(int64_t)i * n + j] = sum;
}

// Rows and columns of a block of the fourth kernel, and how deep a step goes.
constexpr int SIDE = 64, STEP = 16;

// 4: shared memory is near but not free: the third kernel reads two numbers from it for each multiplication. Now a thread has
// 4 by 4 results, whose sums are registers, and eight numbers serve for sixteen multiplications. The results of a thread lie 16
// apart, so that neighbouring threads still have neighbouring columns.
// A block has SIDE rows and SIDE columns.
BOUNDED_KERNEL(256, book_gemm_four_by_four)(const float* a, const float* b, float* c, int m, int k, int n) {
    __shared__ float tile_a[SIDE][STEP], tile_b[STEP][SIDE];
    const int first_row = blockIdx.y * SIDE, first_column = blockIdx.x * SIDE;
    const int row = threadIdx.x / 16, column = threadIdx.x % 16;
    float sums[4][4] = {};
    for (int first = 0; first < k; first += STEP) {
        for (int e = threadIdx.x; e < SIDE * STEP; e += 256) {
            const int i = first_row + e / STEP, p = first + e % STEP;
            tile_a[e / STEP][e % STEP] = i < m && p < k ? a[(int64_t)i * k + p] : 0.0f;
        }
        for (int e = threadIdx.x; e < STEP * SIDE; e += 256) {
            const int p = first + e / SIDE, j = first_column + e % SIDE;
            tile_b[e / SIDE][e % SIDE] = p < k && j < n ? b[(int64_t)p * n + j] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int p = 0; p < STEP; p++) {
            float left[4], right[4];
            for (int u = 0; u < 4; u++) left[u] = tile_a[row + 16 * u][p];
            for (int v = 0; v < 4; v++) right[v] = tile_b[p][column + 16 * v];
            for (int u = 0; u < 4; u++) {
                for (int v = 0; v < 4; v++) sums[u][v] += left[u] * right[v];
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int u = 0; u < 4; u++) {
#pragma unroll
        for (int v = 0; v < 4; v++) {
            const int i = first_row + row + 16 * u, j = first_column + column + 16 * v;
            if (i < m && j < n) c[(int64_t)i * n + j] = sums[u][v];
        }
    }
}

// The same for the fifth and the sixth.
constexpr int LARGE = 128, DEPTH = 8;

namespace {

using Results = RegisterTile<2, 2>;

// The part of A that a step needs, transposed, and that of B. A warp writes 16 numbers to each of two rows of `a`, four rows
// apart; with rows of 128 numbers the two would lie in the same banks of the shared memory, with four more they do not.
struct Step {
    float a[DEPTH][LARGE + 4], b[DEPTH][LARGE];
};

// Four numbers of a row of a matrix from `column`, a multiple of four, on: by one instruction, where they are all there and
// rows begin at multiples of 16 bytes. Beyond the edges are zeros.
__device__ __forceinline__ float4 fetch_four(const float* matrix, int rows, int columns, int row, int column) {
    if (row >= rows || column >= columns) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    const float* from = matrix + (int64_t)row * columns + column;
    if (columns % 4 == 0) return read_four(from);
    const int rest = columns - column;
    return make_float4(from[0], rest > 1 ? from[1] : 0.0f, rest > 2 ? from[2] : 0.0f, rest > 3 ? from[3] : 0.0f);
}

// What a thread brings for a step, four numbers of A and four of B, while it is on its way from global to shared memory.
struct Pieces {
    float4 of_a, of_b;

    __device__ __forceinline__ static Pieces fetch(const float* a, const float* b, int m, int k, int n, int first) {
        const int i = blockIdx.y * LARGE + threadIdx.x / 2, p = first + threadIdx.x % 2 * 4;
        const int q = first + threadIdx.x / 32, j = blockIdx.x * LARGE + threadIdx.x % 32 * 4;
        return {fetch_four(a, m, k, i, p), fetch_four(b, k, n, q, j)};
    }

    __device__ __forceinline__ void put(Step& step) const {
        const int i = threadIdx.x / 2, p = threadIdx.x % 2 * 4;
        step.a[p][i] = of_a.x;
        step.a[p + 1][i] = of_a.y;
        step.a[p + 2][i] = of_a.z;
        step.a[p + 3][i] = of_a.w;
        write_four(&step.b[threadIdx.x / 32][threadIdx.x % 32 * 4], of_b);
    }
};

__device__ __forceinline__ void add_step(Results& results, const Step& step) {
#pragma unroll
    for (int p = 0; p < DEPTH; p++) results.add(step.a[p], step.b[p]);
}

__device__ __forceinline__ void write(const Results& results, float* c, int m, int n) {
#pragma unroll
    for (int u = 0; u < 8; u++) {
        const int i = blockIdx.y * LARGE + Results::row(u);
        if (i >= m) continue;
#pragma unroll
        for (int v = 0; v < 8; v += 4) {
            const int j = blockIdx.x * LARGE + Results::column(v);
            float* to = c + (int64_t)i * n + j;
            const float* from = results.sums[u] + v;
            if (n % 4 == 0) {
                if (j < n) write_four(to, make_float4(from[0], from[1], from[2], from[3]));
                continue;
            }
#pragma unroll
            for (int w = 0; w < 4; w++) {
                if (j + w < n) to[w] = from[w];
            }
        }
    }
}

}  // namespace

// 5: 8 by 8 results a thread, and four numbers for each instruction that reads or writes. Of A that needs a column to lie in
// one piece, so its tile is transposed on the way into shared memory: four instructions read 16 numbers for 64
// multiplications.
// A block has LARGE rows and LARGE columns.
BOUNDED_KERNEL(TILE_THREADS, book_gemm_by_fours)(const float* a, const float* b, float* c, int m, int k, int n) {
    __shared__ __align__(16) Step step;
    Results results;
    for (int first = 0; first < k; first += DEPTH) {
        Pieces::fetch(a, b, m, k, n, first).put(step);
        __syncthreads();
        add_step(results, step);
        __syncthreads();
    }
    write(results, c, m, n);
}

// 6: a read from global memory takes hundreds of cycles. The fifth kernel waits for it before each step; so does every other
// kernel, and hopes that the multiprocessor has other warps to run meanwhile. How many it has room for is called the occupancy,
// and registers set the limit: there are 65536 of them. Here a step's numbers are asked for before the step that comes before it
// is computed, and arrive during it. With two places in shared memory, one that is read and one that is written, one barrier
// is enough. The numbers under way need registers too; held to 128 a thread, two blocks still fit.
// A block has LARGE rows and LARGE columns.
RESIDENT_KERNEL(TILE_THREADS, 2, book_gemm_ahead)(const float* a, const float* b, float* c, int m, int k, int n) {
    __shared__ __align__(16) Step steps[2];
    Results results;
    Pieces::fetch(a, b, m, k, n, 0).put(steps[0]);
    __syncthreads();
    int now = 0;
    for (int first = DEPTH; first < k; first += DEPTH) {
        const Pieces next = Pieces::fetch(a, b, m, k, n, first);
        add_step(results, steps[now]);
        now = 1 - now;
        next.put(steps[now]);
        __syncthreads();
    }
    add_step(results, steps[now]);
    write(results, c, m, n);
}
