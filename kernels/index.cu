// Elements and slices picked along an axis by indices, one-hot codes and triangles. What puts them back is in scatter.cu.
//
// Indices have been checked before, by first_outside_i64 of check.cu, where the host could wait for the answer. One that is
// out of range is not followed all the same: it picks zero.
#include "map.cuh"

// out[i] = source[where i lies but for the axis, index[i] along it]. Operands of `places`: index, source without its axis.
template <class T>
__device__ __forceinline__ void gather(
    const T* source, const int64_t* index, T* out, unsigned count, const Strides<2>& places, int64_t stride, int64_t size
) {
    FOR_EACH(i, count) {
        int64_t at[2];
        places.offsets(i, at);
        const int64_t chosen = index[at[0]];
        out[i] = chosen >= 0 && chosen < size ? source[at[1] + chosen * stride] : T(0);
    }
}

// out [outer, length, inner] = source [outer, size, inner], chosen by index [length]. T may be four elements.
template <class T>
__device__ __forceinline__ void index_select_units(
    const T* source, const int64_t* index, T* out, unsigned count, unsigned size, unsigned length, unsigned inner
) {
    FOR_EACH(i, count) {
        const unsigned row = i / inner, outer = row / length;
        const int64_t chosen = index[row - outer * length];
        const bool inside = chosen >= 0 && chosen < size;
        out[i] = inside ? source[((int64_t)outer * size + chosen) * inner + (i - row * inner)] : T{};
    }
}

template <class T>
__device__ __forceinline__ void index_select(
    const T* source, const int64_t* index, T* out, unsigned count, unsigned size, unsigned length, unsigned inner
) {
    if (inner % 4 == 0 && is_aligned(source) && is_aligned(out)) {
        const Four<T>* fours = reinterpret_cast<const Four<T>*>(source);
        index_select_units(fours, index, reinterpret_cast<Four<T>*>(out), count / 4, size, length, inner / 4);
    } else {
        index_select_units(source, index, out, count, size, length, inner);
    }
}

// Matrices [rows, columns], one after another: elements where column - row <= diagonal, or >= for the upper triangle.
template <class T>
__device__ __forceinline__ void triangle(
    const T* input, T* out, unsigned count, unsigned rows, unsigned columns, int64_t diagonal, bool upper
) {
    FOR_EACH(i, count) {
        const unsigned row = i / columns;
        const int64_t side = (int64_t)(i - row * columns) - (int64_t)(row % rows);
        out[i] = (upper ? side >= diagonal : side <= diagonal) ? input[i] : T(0);
    }
}

#define INDEX(suffix, T)                                                                                        \
    KERNEL(gather_##suffix)                                                                                     \
    (const T* source, const int64_t* index, T* out, unsigned count, Strides<2> places, int64_t stride,          \
     int64_t size) {                                                                                            \
        gather(source, index, out, count, places, stride, size);                                                \
    }                                                                                                           \
    KERNEL(index_select_##suffix)                                                                               \
    (const T* source, const int64_t* index, T* out, unsigned count, unsigned size, unsigned length,             \
     unsigned inner) {                                                                                          \
        index_select(source, index, out, count, size, length, inner);                                           \
    }                                                                                                           \
    KERNEL(triangle_##suffix)                                                                                   \
    (const T* input, T* out, unsigned count, unsigned rows, unsigned columns, int64_t diagonal, uint8_t upper) { \
        triangle(input, out, count, rows, columns, diagonal, upper != 0);                                       \
    }

INDEX(f32, float)
INDEX(f64, double)
INDEX(i64, int64_t)
INDEX(u8, uint8_t)
INDEX(bool, bool)

// out [count / classes, classes]: 1 at the index of each row.
KERNEL(one_hot_i64)(const int64_t* index, int64_t* out, unsigned count, unsigned classes) {
    FOR_EACH(i, count) {
        const unsigned row = i / classes;
        out[i] = index[row] == (int64_t)(i - row * classes);
    }
}

// out [rows, channels, plane] = levels [channels, 256] of the bytes of pictures [table, channels, plane].
KERNEL(index_pixels_u8)(
    const uint8_t* pictures, const int64_t* rows, const float* levels, float* out, unsigned count, unsigned table,
    unsigned channels, unsigned plane
) {
    FOR_EACH(i, count) {
        const unsigned whole = i / plane, row = whole / channels, channel = whole - row * channels;
        const int64_t chosen = rows[row];
        const bool inside = chosen >= 0 && chosen < table;
        const size_t at = ((size_t)(inside ? chosen : 0) * channels + channel) * plane + (i - whole * plane);
        out[i] = inside ? levels[channel * 256 + pictures[at]] : 0.0f;
    }
}
