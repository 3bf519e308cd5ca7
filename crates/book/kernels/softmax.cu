// Softmax of each row of x [rows, columns] into y: numbered kernels, each with one idea more than the one before it. A row's
// largest number is taken off first, so that no exponential overflows. crates/book/src/kernels/softmax.rs starts them; the text
// is docs/book/src/softmax.md. What a thread, a warp and a block are is told in gemm.cu.
//
// A softmax computes little: what counts is how often memory is read and written, and how threads share a row.
#include "register_tile.cuh"

// 1: a thread for each row, three passes as by definition. The 32 threads of a warp are in 32 rows: what they read at one
// time lies a whole row apart.
// A block has 128 rows.
BOUNDED_KERNEL(128, book_softmax_by_definition)(const float* x, float* y, int rows, int columns) {
    const int row = blockIdx.x * 128 + threadIdx.x;
    if (row >= rows) return;
    x += (int64_t)row * columns;
    y += (int64_t)row * columns;
    float largest = -INFINITY, sum = 0.0f;
    for (int j = 0; j < columns; j++) largest = fmaxf(largest, x[j]);
    for (int j = 0; j < columns; j++) {
        y[j] = expf(x[j] - largest);
        sum += y[j];
    }
    for (int j = 0; j < columns; j++) y[j] /= sum;
}

constexpr int THREADS = 256;

namespace {

struct Larger {
    __device__ __forceinline__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct Sum {
    __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
};

// The values of all threads of a block combined, by halves: the first half of the threads takes in the second half's, then the
// first quarter the second quarter's, until one value is left. All threads get it.
template <class Combine> __device__ __forceinline__ float over_block(float* shared, float value, Combine combine) {
    const int t = threadIdx.x;
    shared[t] = value;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) shared[t] = combine(shared[t], shared[t + half]);
    }
    __syncthreads();
    const float all = shared[0];
    // The place may be used again when all have read.
    __syncthreads();
    return all;
}

}  // namespace

// 2: a block for each row. Its threads read neighbouring numbers, and combine what each has found in shared memory. Exponentials
// are computed twice instead of written to memory and read again.
BOUNDED_KERNEL(THREADS, book_softmax_by_blocks)(const float* x, float* y, int rows, int columns) {
    __shared__ float shared[THREADS];
    const int row = blockIdx.x;
    if (row >= rows) return;
    x += (int64_t)row * columns;
    y += (int64_t)row * columns;
    float largest = -INFINITY, sum = 0.0f;
    for (int j = threadIdx.x; j < columns; j += THREADS) largest = fmaxf(largest, x[j]);
    largest = over_block(shared, largest, Larger());
    for (int j = threadIdx.x; j < columns; j += THREADS) sum += expf(x[j] - largest);
    const float share = 1.0f / over_block(shared, sum, Sum());
    for (int j = threadIdx.x; j < columns; j += THREADS) y[j] = expf(x[j] - largest) * share;
}

namespace {

// The same for a warp, whose threads hand each other registers: each combines its value with that of the thread 16 places on or
// back, then 8, 4, 2, 1. No shared memory, no barrier, five steps, and all threads have the result, with the same bits.
template <class Combine> __device__ __forceinline__ float over_warp(float value, Combine combine) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) value = combine(value, __shfl_xor_sync(ALL_LANES, value, apart));
    return value;
}

}  // namespace

// Rows of a block that has a warp for each.
constexpr int ROWS = THREADS / WARP;

// 3: a warp for each row. In the second kernel a row of a thousand is four numbers a thread and twenty barriers, at
// which all wait for the slowest; here nobody waits for another warp.
// A block has ROWS rows.
BOUNDED_KERNEL(THREADS, book_softmax_by_warps)(const float* x, float* y, int rows, int columns) {
    const int row = blockIdx.x * ROWS + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    // The whole warp: a shuffle needs all of its threads.
    if (row >= rows) return;
    x += (int64_t)row * columns;
    y += (int64_t)row * columns;
    float largest = -INFINITY, sum = 0.0f;
    for (int j = lane; j < columns; j += WARP) largest = fmaxf(largest, x[j]);
    largest = over_warp(largest, Larger());
    for (int j = lane; j < columns; j += WARP) sum += expf(x[j] - largest);
    const float share = 1.0f / over_warp(sum, Sum());
    for (int j = lane; j < columns; j += WARP) y[j] = expf(x[j] - largest) * share;
}

// Less than any score that counts. Not -INFINITY, as a difference of two of those is no number.
constexpr float LOWEST = -3.402823466e38f;
// What a warp reads by one instruction, four numbers a thread.
constexpr int AT_ONCE = 4 * WARP;

namespace {

// Four numbers of a row from j, a multiple of four, on; beyond its end are scores whose exponential is zero.
__device__ __forceinline__ float4 fetch_four(const float* row, int j, int columns) {
    const float none = -INFINITY;
    if (columns % 4 == 0) return j < columns ? read_four(row + j) : make_float4(none, none, none, none);
    return make_float4(j < columns ? row[j] : none, j + 1 < columns ? row[j + 1] : none,
                       j + 2 < columns ? row[j + 2] : none, j + 3 < columns ? row[j + 3] : none);
}

__device__ __forceinline__ void put_four(float* row, int j, int columns, float4 four) {
    if (columns % 4 == 0) {
        if (j < columns) write_four(row + j, four);
        return;
    }
    if (j < columns) row[j] = four.x;
    if (j + 1 < columns) row[j + 1] = four.y;
    if (j + 2 < columns) row[j + 2] = four.z;
    if (j + 3 < columns) row[j + 3] = four.w;
}

__device__ __forceinline__ float largest_of(float4 x) { return fmaxf(fmaxf(x.x, x.y), fmaxf(x.z, x.w)); }
__device__ __forceinline__ float sum_of(float4 x) { return (x.x + x.y) + (x.z + x.w); }
__device__ __forceinline__ float4 exponentials(float4 x, float largest) {
    return make_float4(expf(x.x - largest), expf(x.y - largest), expf(x.z - largest), expf(x.w - largest));
}
__device__ __forceinline__ float4 times(float4 x, float factor) {
    return make_float4(x.x * factor, x.y * factor, x.z * factor, x.w * factor);
}

// A row by a warp, reading it twice: the largest number and the sum come out of one pass. Whenever a larger number turns up,
// the sum so far shrinks by e^(old - new); and so it does at the end, when the threads have the largest of all.
__device__ __forceinline__ void online(const float* x, float* y, int columns) {
    const int lane = threadIdx.x % WARP;
    float largest = LOWEST, sum = 0.0f;
    for (int j = 4 * lane; j < columns; j += AT_ONCE) {
        const float4 four = fetch_four(x, j, columns);
        const float next = fmaxf(largest, largest_of(four));
        sum = sum * expf(largest - next) + sum_of(exponentials(four, next));
        largest = next;
    }
    const float largest_of_all = over_warp(largest, Larger());
    const float share = 1.0f / over_warp(sum * expf(largest - largest_of_all), Sum());
    for (int j = 4 * lane; j < columns; j += AT_ONCE) {
        put_four(y, j, columns, times(exponentials(fetch_four(x, j, columns), largest_of_all), share));
    }
}

}  // namespace

// 4: one pass less, and a quarter of the instructions that read and write.
// A block has ROWS rows.
BOUNDED_KERNEL(THREADS, book_softmax_online)(const float* x, float* y, int rows, int columns) {
    const int row = blockIdx.x * ROWS + threadIdx.x / WARP;
    if (row >= rows) return;
    online(x + (int64_t)row * columns, y + (int64_t)row * columns, columns);
}

// Times four numbers of a row that a thread keeps: rows of up to 1024 fit into the registers of a warp.
constexpr int KEPT = 8;

// 5: a row is read once and stays in registers until it is written: as little traffic as there can be, and each exponential is
// computed once. Longer rows go as in the fourth kernel.
// A block has ROWS rows.
BOUNDED_KERNEL(THREADS, book_softmax_in_registers)(const float* x, float* y, int rows, int columns) {
    const int row = blockIdx.x * ROWS + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (row >= rows) return;
    x += (int64_t)row * columns;
    y += (int64_t)row * columns;
    if (columns > KEPT * AT_ONCE) return online(x, y, columns);
    float4 kept[KEPT];
    float largest = LOWEST, sum = 0.0f;
#pragma unroll
    for (int r = 0; r < KEPT; r++) {
        kept[r] = fetch_four(x, r * AT_ONCE + 4 * lane, columns);
        largest = fmaxf(largest, largest_of(kept[r]));
    }
    largest = over_warp(largest, Larger());
#pragma unroll
    for (int r = 0; r < KEPT; r++) {
        kept[r] = exponentials(kept[r], largest);
        sum += sum_of(kept[r]);
    }
    const float share = 1.0f / over_warp(sum, Sum());
#pragma unroll
    for (int r = 0; r < KEPT; r++) put_four(y, r * AT_ONCE + 4 * lane, columns, times(kept[r], share));
}
