// Kernels without a fault: each lane of the tests must let them pass.
#include "mma.cuh"
#include "reduction.cuh"

// y = a x + y, over any number of elements. No barrier and no warp function: costs no switch of fibres.
KERNEL(axpy)(float a, const float* __restrict__ x, float* __restrict__ y, int64_t n) {
    for (int64_t i = grid_index(); i < n; i += grid_stride()) y[i] = fmaf(a, x[i], y[i]);
}

// One block for each row of `columns` elements; as many threads as the launch has.
#define ROW_REDUCTION(name, Operation, T)                                                     \
    BOUNDED_KERNEL(1024, name)(const T* __restrict__ x, T* __restrict__ y, int columns) {     \
        T value = Operation::identity<T>();                                                   \
        for (int i = block_index(); i < columns; i += block_threads())                        \
            value = Operation::combine(value, x[(int64_t)blockIdx.x * columns + i]);          \
        value = block_reduce<Operation>(value);                                               \
        if (block_index() == 0) y[blockIdx.x] = value;                                        \
    }
ROW_REDUCTION(row_sum_f32, Sum, float)
ROW_REDUCTION(row_sum_f64, Sum, double)
ROW_REDUCTION(row_sum_i64, Sum, long long)
ROW_REDUCTION(row_max_f32, Maximum, float)
ROW_REDUCTION(row_min_i64, Minimum, long long)

// Launched like the kernels with a fault: every means by which threads work together, used as it should be.
KERNEL(healthy)(float* y, int n) {
    __shared__ float kept[64];
    DYN_SHARED(float, doubled);
    const int i = block_index();
    float sum = 0.0f;
    for (int round = 0; round < 3; ++round) {
        kept[i] = (float)(i + round);
        __syncthreads();
        sum += kept[63 - i];
        __syncthreads();
    }
    kept[i] = sum;
    __syncwarp();
    doubled[i] = 2.0f * kept[i ^ 1];
    __syncthreads();
    const float both = block_reduce<Sum>(doubled[63 - i]);
    if (i < n) y[i] = both + __shfl_down_sync(ALL_LANES, sum, 4);
}

// Launched like these too: a variable in memory belongs to its thread, which no barrier orders after another one.
__device__ __attribute__((noinline)) float& element(float* array, int i) { return array[i % 8]; }
KERNEL(keeps_an_array)(float* y, int n) {
    float kept[8];
    const int i = block_index();
    for (int k = 0; k < 8; ++k) element(kept, 3 * k + i) = (float)(i + k);
    float sum = 0.0f;
    for (int k = 0; k < 8; ++k) sum += element(kept, k);
    if (i < n) y[i] = sum;
}

// What each lane gets from each kind of shuffle and vote, 8 numbers a lane.
KERNEL(warp_functions)(int* y) {
    const int i = block_index();
    int* mine = y + 8 * i;
    mine[0] = __shfl_sync(ALL_LANES, i, 3);
    mine[1] = __shfl_up_sync(ALL_LANES, i, 2);
    mine[2] = __shfl_down_sync(ALL_LANES, i, 5);
    mine[3] = __shfl_xor_sync(ALL_LANES, i, 9);
    mine[4] = __shfl_sync(ALL_LANES, i, 9, 8);
    mine[5] = __shfl_down_sync(ALL_LANES, i, 3, 4);
    mine[6] = (int)__ballot_sync(ALL_LANES, i % 3 == 0);
    // The two halves of a warp may go different ways as long as their masks say so.
    mine[7] = i % 32 < 16 ? __shfl_xor_sync(0x0000ffffu, i, 1) : __any_sync(0xffff0000u, i == 40);
}

// Counts bytes: atomics in dynamic shared memory, then in global memory. Of the block's barrier the counting form.
KERNEL(histogram)(const uint8_t* __restrict__ x, unsigned* __restrict__ counts, int n) {
    DYN_SHARED(unsigned, bins);
    for (int bin = block_index(); bin < 256; bin += block_threads()) bins[bin] = 0;
    const bool whole = __syncthreads_and(block_threads() <= 1024) && __syncthreads_count(1) == block_threads();
    if (!whole) return;
    for (int64_t i = grid_index(); i < n; i += grid_stride()) atomicAdd(&bins[x[i]], 1u);
    __syncthreads();
    for (int bin = block_index(); bin < 256; bin += block_threads()) atomicAdd(&counts[bin], bins[bin]);
}

// c = a b for a of 16 x 8 k and b of 8 k x 8, by one warp; with `split` by three products of high and low parts.
BOUNDED_KERNEL(32, tensor_core_product)(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, int k, int split) {
    const int lane = block_index(), row = lane / 4, column = lane % 4;
    float d[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int first = 0; first < k; first += 8) {
        unsigned high_a[4], low_a[4], high_b[2], low_b[2];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float x = a[(row + i % 2 * 8) * k + first + column + i / 2 * 4];
            high_a[i] = to_tf32(x);
            low_a[i] = tf32_remainder(x, high_a[i]);
        }
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const float x = b[(first + column + i * 4) * 8 + row];
            high_b[i] = to_tf32(x);
            low_b[i] = tf32_remainder(x, high_b[i]);
        }
        if (split) {
            mma_tf32(d, low_a, high_b);
            mma_tf32(d, high_a, low_b);
        }
        mma_tf32(d, high_a, high_b);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) c[(row + i / 2 * 8) * 8 + column * 2 + i % 2] = d[i];
}

// Where each thread stands: block, then thread, as the numbers of a three-dimensional launch.
KERNEL(places)(int* y) {
    const int block = (int)(blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z));
    int* mine = y + 2 * (block * block_threads() + block_index());
    mine[0] = (int)(blockIdx.x + 10 * blockIdx.y + 100 * blockIdx.z);
    mine[1] = (int)(threadIdx.x + 10 * threadIdx.y + 100 * threadIdx.z);
}

// The number of the block that came last: with blocks in reverse order another one.
KERNEL(last_block)(int* y) {
    if (block_index() == 0) *y = (int)blockIdx.x;
}
