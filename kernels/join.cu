// Blocks side by side along an axis, and a block put back among zeros. Arrays are seen as rows: all axes before the one
// in question are one, and so are those behind it.
#include "map.cuh"

constexpr unsigned JOIN_PARTS = 32;

// Blocks of a launch. A row of the result has `width[p]` elements of block p, from `start[p]` on.
template <class T> struct JoinParts {
    const T* from[JOIN_PARTS];
    unsigned width[JOIN_PARTS];
    unsigned start[JOIN_PARTS];
};

template <class T>
__device__ __forceinline__ void join_rows(
    const T* from, T* out, unsigned rows, unsigned width, unsigned start, unsigned row_width
) {
    FOR_EACH(i, rows * width) {
        const unsigned row = i / width;
        out[row * row_width + start + (i - row * width)] = from[i];
    }
}

// One block of each launch for every y of the grid.
template <class T>
__device__ __forceinline__ void cat(const JoinParts<T>& parts, T* out, unsigned rows, unsigned row_width) {
    const T* from = parts.from[blockIdx.y];
    const unsigned width = parts.width[blockIdx.y], start = parts.start[blockIdx.y];
    const bool in_fours = width % 4 == 0 && start % 4 == 0 && row_width % 4 == 0;
    if (in_fours && is_aligned(from) && is_aligned(out)) {
        const Four<T>* fours = reinterpret_cast<const Four<T>*>(from);
        join_rows(fours, reinterpret_cast<Four<T>*>(out), rows, width / 4, start / 4, row_width / 4);
    } else {
        join_rows(from, out, rows, width, start, row_width);
    }
}

// out [outer, size, inner] is zero but for out[i, start + j * step, k] = grad[i, j, k]; grad is [outer, length, inner].
template <class T>
__device__ __forceinline__ void slice_grad(
    const T* grad, T* out, unsigned count, unsigned size, unsigned inner, unsigned length, unsigned start, unsigned step
) {
    FOR_EACH(i, count) {
        const unsigned row = i / inner, outer = row / size;
        const unsigned place = row - outer * size;
        // Before `start` this wraps around; the number is not used then.
        const unsigned behind = place - start, j = behind / step;
        const bool taken = place >= start && j < length && j * step == behind;
        out[i] = taken ? grad[(outer * length + j) * inner + (i - row * inner)] : T(0);
    }
}

#define JOIN(suffix, T)                                                                                        \
    KERNEL(cat_##suffix)(JoinParts<T> parts, T* out, unsigned rows, unsigned row_width) {                      \
        cat(parts, out, rows, row_width);                                                                      \
    }                                                                                                          \
    KERNEL(slice_grad_##suffix)                                                                                \
    (const T* grad, T* out, unsigned count, unsigned size, unsigned inner, unsigned length, unsigned start,    \
     unsigned step) {                                                                                          \
        slice_grad(grad, out, count, size, inner, length, start, step);                                        \
    }

JOIN(f32, float)
JOIN(f64, double)
JOIN(i64, int64_t)
JOIN(u8, uint8_t)
JOIN(bool, bool)
