// What the convolution and its gradients have in common: shapes, and where a tap of the kernel reads.
#pragma once
#include "window.cuh"

// Images [images, groups * in_channels, height, width] and weights [groups * out_channels, in_channels, kernel height,
// kernel width]; see crates/cuda/src/conv2d.rs.
struct Convolution {
    int images, groups, in_channels, out_channels;
    Window rows, columns;

    __device__ __forceinline__ int in_plane() const { return rows.input * columns.input; }
    __device__ __forceinline__ int out_plane() const { return rows.output * columns.output; }
    __device__ __forceinline__ int taps() const { return rows.kernel * columns.kernel; }
};

// A place that is inside of no image, whatever it is moved by.
constexpr int NOWHERE = -(1 << 30);

// Where a term of a sum reads an image: so many elements, rows and columns from where the window begins.
struct alignas(16) Term {
    unsigned offset;
    int row, column;
    // The weight that belongs to it, or -1.
    int weight;
};

// Where a window begins in an image, as the index of that element in the whole array, and its row and column. It may lie
// in the padding: indices and offsets are counted modulo 2^32, and their sums are right again inside of the image.
struct Corner {
    unsigned index;
    int row, column;

    template <class T>
    __device__ __forceinline__ T read(const T* source, const Term& term, int height, int width) const {
        const bool inside = (unsigned)(row + term.row) < (unsigned)height && (unsigned)(column + term.column) < (unsigned)width;
        return inside ? source[index + term.offset] : T(0);
    }
};
