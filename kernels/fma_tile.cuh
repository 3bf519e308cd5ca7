// A block's tile of a product of matrices by multiplications and additions of single numbers, fused.
#pragma once
#include "operand.cuh"

__device__ __forceinline__ float fused(float a, float b, float c) { return fmaf(a, b, c); }
__device__ __forceinline__ double fused(double a, double b, double c) { return fma(a, b, c); }

// THREAD_ROWS x THREAD_COLUMNS threads; each has every THREAD_ROWS-th row and every THREAD_COLUMNS-th column, so that
// neighbouring threads read and write neighbouring numbers.
template <class T, int ROWS_, int COLUMNS_, int DEPTHS_, int THREAD_ROWS, int THREAD_COLUMNS, int STAGES_>
struct FmaTile {
    using Element = T;
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DEPTHS = DEPTHS_, STAGES = STAGES_;
    static constexpr int THREADS = THREAD_ROWS * THREAD_COLUMNS;
    // Of which a multiprocessor has registers for this many.
    static constexpr int BLOCKS = ROWS * COLUMNS > 64 * 64 ? 1 : ROWS * COLUMNS > 32 * 32 ? 2 : 4;
    static constexpr int HIGH = ROWS / THREAD_ROWS, BROAD = COLUMNS / THREAD_COLUMNS;
    static constexpr bool EXACT_WHERE_INFINITE = false;

    T sums[HIGH][BROAD];

    __device__ __forceinline__ static int first_row() { return threadIdx.x / THREAD_COLUMNS; }
    __device__ __forceinline__ static int first_column() { return threadIdx.x % THREAD_COLUMNS; }

    __device__ __forceinline__ FmaTile() : sums() {}

    // Writes the sums to shared memory, row by row, `pitch` apart. Nothing is wrong with those that are not finite.
    __device__ __forceinline__ bool write(T* shared, int pitch) const {
#pragma unroll
        for (int i = 0; i < HIGH; i++) {
#pragma unroll
            for (int j = 0; j < BROAD; j++) {
                shared[(first_row() + i * THREAD_ROWS) * pitch + first_column() + j * THREAD_COLUMNS] = sums[i][j];
            }
        }
        return true;
    }

    // As many depths as 16 bytes hold, of COUNT outer indices.
    static constexpr int AT_ONCE = Run<T>::LENGTH;
    template <class Layout, int COUNT, int APART>
    __device__ __forceinline__ static void read(T (&values)[COUNT][AT_ONCE], const T* tile, int outer, int depth) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            if constexpr (Layout::ALONG_DEPTH) {
                const Run<T> x = *reinterpret_cast<const Run<T>*>(tile + Layout::at(outer + i * APART, depth));
#pragma unroll
                for (int k = 0; k < AT_ONCE; k++) values[i][k] = x.element[k];
            } else {
#pragma unroll
                for (int k = 0; k < AT_ONCE; k++) values[i][k] = tile[Layout::at(outer + i * APART, depth + k)];
            }
        }
    }

    // Adds the product of two tiles in shared memory, one depth after the other.
    template <class LayoutA, class LayoutB> __device__ __forceinline__ void add(const T* a, const T* b) {
#pragma unroll
        for (int depth = 0; depth < DEPTHS; depth += AT_ONCE) {
            T left[HIGH][AT_ONCE], right[BROAD][AT_ONCE];
            read<LayoutA, HIGH, THREAD_ROWS>(left, a, first_row(), depth);
            read<LayoutB, BROAD, THREAD_COLUMNS>(right, b, first_column(), depth);
#pragma unroll
            for (int k = 0; k < AT_ONCE; k++) {
#pragma unroll
                for (int i = 0; i < HIGH; i++) {
#pragma unroll
                    for (int j = 0; j < BROAD; j++) sums[i][j] = fused(left[i][k], right[j][k], sums[i][j]);
                }
            }
        }
    }
};
