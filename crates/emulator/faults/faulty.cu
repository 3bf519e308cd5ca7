// Kernels with a fault each, for the tests of what the emulator finds. All are launched with one block of 64 threads, and
// y has n = 64 elements.
#include "common.cuh"

KERNEL(writes_beyond_a_buffer)(float* y, int n) {
    const int i = block_index();
    if (i < n) y[i + 1] = 1.0f;
}

KERNEL(writes_beyond_shared_memory)(float* y, int n) {
    __shared__ float kept[63];
    const int i = block_index();
    kept[i] = 1.0f;
    __syncthreads();
    if (i < n) y[i] = kept[0];
}

KERNEL(writes_beyond_dynamic_shared_memory)(float* y, int n) {
    DYN_SHARED(float, kept);  // of 256 bytes
    const int i = block_index();
    kept[i + 1] = 1.0f;
    __syncthreads();
    if (i < n) y[i] = kept[1];
}

KERNEL(reads_a_misaligned_vector)(float* y, int n) {
    if (block_index() == 0 && n >= 8) *reinterpret_cast<float2*>(y + 1) = make_float2(1.0f, 2.0f);
}

KERNEL(lacks_a_barrier)(float* y, int n) {
    __shared__ float kept[64];
    const int i = block_index();
    kept[i] = (float)i;
    if (i < n) y[i] = kept[(i + 37) % 64];
}

// The second round writes what others may still read.
KERNEL(lacks_a_barrier_before_the_next_round)(float* y, int n) {
    __shared__ float kept[64];
    const int i = block_index();
    float sum = 0.0f;
    for (int round = 0; round < 2; ++round) {
        kept[i] = (float)(i + round);
        __syncthreads();
        sum += kept[63 - i];
    }
    if (i < n) y[i] = sum;
}

// Lanes do not run in step: an exchange through shared memory needs __syncwarp.
KERNEL(lacks_a_barrier_of_a_warp)(float* y, int n) {
    __shared__ float kept[64];
    const int i = block_index();
    kept[i] = (float)i;
    if (i < n) y[i] = kept[i ^ 1];
}

KERNEL(skips_a_barrier)(float* y, int n) {
    const int i = block_index();
    if (i >= 16) return;
    __syncthreads();
    if (i < n) y[i] = 1.0f;
}

KERNEL(waits_at_two_barriers)(float* y, int n) {
    const int i = block_index();
    if (i < 16) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    if (i < n) y[i] = 1.0f;
}

KERNEL(shuffles_without_half_of_a_warp)(float* y, int n) {
    const int i = block_index();
    float value = 1.0f;
    if (i % 32 < 16) value = __shfl_xor_sync(ALL_LANES, value, 1);
    if (i < n) y[i] = value;
}

KERNEL(reads_a_lane_outside_its_mask)(float* y, int n) {
    const int i = block_index();
    float value = 1.0f;
    if (i % 32 < 16) value = __shfl_sync(0x0000ffffu, value, 20);
    if (i < n) y[i] = value;
}

KERNEL(reads_memory_that_is_not_there)(float* y, int n) {
    const int i = block_index();
    if (i == 7 && n > 0) y[0] = y[1LL << 44];
}
