// Adds up what the blocks of a convolution have summed in parts.
#include "common.cuh"

// out = bias + the sum over parts of in [parts, count], in order. The result has planes of `plane` elements, and each of
// its `channels` one bias, if there is one. A block has WARP sums; each of its warps adds up every few parts, and the first
// warp what they have.
template <class T>
__device__ __forceinline__ void add_convolution_parts(
    const T* in, const T* bias, T* out, unsigned count, unsigned parts, unsigned plane, unsigned channels
) {
    constexpr int WARPS = 8;
    __shared__ T partial[WARPS][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const unsigned index = blockIdx.x * WARP + lane;
    T sum = T(0);
    if (index < count) {
        for (unsigned part = warp; part < parts; part += WARPS) sum += in[part * count + index];
    }
    partial[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || index >= count) return;
    for (int other = 1; other < WARPS; other++) sum += partial[other][lane];
    out[index] = bias ? sum + bias[index / plane % channels] : sum;
}

#define OF_FLOATS(suffix, T)                                                                                       \
    BOUNDED_KERNEL(256, conv2d_add_parts_##suffix)                                                                 \
    (const T* in, const T* bias, T* out, unsigned count, unsigned parts, unsigned plane, unsigned channels) {      \
        add_convolution_parts(in, bias, out, count, parts, plane, channels);                                       \
    }

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
