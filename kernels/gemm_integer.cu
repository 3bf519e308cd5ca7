// Matrix products of integers, which wrap around. They are rare: each thread sums up one number.
#include "matmul.cuh"
#include "numbers.cuh"

constexpr int SIDE = 16;

template <class T>
__device__ __forceinline__ void multiply_plainly(
    const Operand<T>& a, const Operand<T>& b, T* out, const Work& work, const Batch& batch
) {
    const int across = (work.columns + SIDE - 1) / SIDE;
    const int row = blockIdx.x / across * SIDE + threadIdx.x / SIDE;
    const int column = blockIdx.x % across * SIDE + threadIdx.x % SIDE;
    if (row >= work.rows || column >= work.columns) return;
    for (unsigned z = blockIdx.z; z < batch.count; z += gridDim.z) {
        int64_t at[2];
        batch.places.offsets(z, at);
        const T* x = a.start + at[0] + (int64_t)row * a.outer_stride;
        const T* y = b.start + at[1] + (int64_t)column * b.outer_stride;
        T sum = 0;
        for (int depth = 0; depth < work.depth; depth++, x += a.depth_stride, y += b.depth_stride) {
            sum = plus(sum, times(*x, *y));
        }
        out[z * batch.result_stride + (int64_t)row * work.columns + column] = sum;
    }
}

#define INTEGER_MATMUL(suffix, T)                                                         \
    BOUNDED_KERNEL(SIDE* SIDE, matmul_##suffix)                                           \
    (Operand<T> a, Operand<T> b, T* out, Work work, Batch batch) { multiply_plainly(a, b, out, work, batch); }

INTEGER_MATMUL(i64, int64_t)
INTEGER_MATMUL(u8, uint8_t)
