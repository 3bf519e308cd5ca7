// Products of stacks of matrices in memory, as kernels of one kind of tile.
#pragma once
#include "gemm.cuh"
#include "strides.cuh"

// Which matrices belong together, as the launcher fills it.
struct Batch {
    // Of A and B; the results lie one after another.
    Strides<2> places;
    int64_t result_stride;
    unsigned count;
    int unused;
};

// The products of all matrices of a stack, in steps of the grid. A_ALONG: the rows of A lie along memory; B_ALONG: the
// columns of B do.
template <class Tile, bool A_ALONG, bool B_ALONG, class T>
__device__ __forceinline__ void matmul(
    const Operand<T>& a, const Operand<T>& b, const Epilogue<T>& epilogue, const Work& work, const Batch& batch,
    T* parts, T* shared
) {
#pragma unroll 1
    for (unsigned z = blockIdx.z; z < batch.count; z += gridDim.z) {
        int64_t at[2];
        batch.places.offsets(z, at);
        Matrix<T, A_ALONG> left{a, work.rows, work.depth};
        Matrix<T, B_ALONG> right{b, work.columns, work.depth};
        MatrixResult<T> result{epilogue, work.rows, work.columns};
        left.operand.start += at[0];
        right.operand.start += at[1];
        result.epilogue.out += z * batch.result_stride;
        multiply<Tile>(left, right, result, work, z * gridDim.x + blockIdx.x, parts, shared);
    }
}

#define MATMUL_KERNEL(name, T, Tile, A_ALONG, B_ALONG)                                         \
    RESIDENT_KERNEL(Tile::THREADS, Tile::BLOCKS, name)                                         \
    (Operand<T> a, Operand<T> b, Epilogue<T> epilogue, Work work, Batch batch, T* parts) {     \
        DYN_SHARED(T, shared);                                                                 \
        matmul<Tile, A_ALONG, B_ALONG>(a, b, epilogue, work, batch, parts, shared);            \
    }

// For each way the operands may lie: `n` as they are written, row by row, and `t` transposed. Where both are transposed,
// the launcher asks for the transposed product of the operands in the opposite order.
#define MATMUL_KERNELS(name, suffix, T, Tile)                        \
    MATMUL_KERNEL(name##_nn_##suffix, T, Tile, true, false)          \
    MATMUL_KERNEL(name##_nt_##suffix, T, Tile, true, true)           \
    MATMUL_KERNEL(name##_tn_##suffix, T, Tile, false, false)
