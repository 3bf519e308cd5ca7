// A window that slides along one axis, as in crates/cpu/src/window.rs: tap t of the window at position o reads the input
// at o * stride + t * dilation - padding; what lies outside the input is padding.
#pragma once
#include "common.cuh"

__device__ __forceinline__ int ceiling_quotient(int a, int b) { return (a + b - 1) / b; }
__device__ __forceinline__ int least(int a, int b) { return a < b ? a : b; }
__device__ __forceinline__ int most(int a, int b) { return a > b ? a : b; }

// first, first + step, ..., below end.
struct Span {
    int first, end, step;
    __device__ __forceinline__ int count() const { return end > first ? ceiling_quotient(end - first, step) : 0; }
};

// The launcher has seen to it that no position or distance needs more than 30 bits; see crates/cuda/src/window.rs.
struct Window {
    int input, output, kernel, stride, dilation, padding;

    __device__ __forceinline__ int source(int tap, int position) const {
        return position * stride + tap * dilation - padding;
    }

    // The taps that read the input, and not padding, at a position.
    __device__ __forceinline__ Span taps_inside(int position) const {
        const int start = position * stride;
        const int end = least(ceiling_quotient(most(input + padding - start, 0), dilation), kernel);
        return {least(ceiling_quotient(most(padding - start, 0), dilation), end), end, 1};
    }

    // What these taps read.
    __device__ __forceinline__ Span sources(int position) const {
        const Span taps = taps_inside(position);
        return {source(taps.first, position), source(taps.end - 1, position) + 1, dilation};
    }

    // The positions where the window spans an input. Between dilated taps it may span the input without reading it.
    __device__ __forceinline__ Span positions_over(int at) const {
        const int padded = at + padding;
        const int first = ceiling_quotient(most(padded - (kernel - 1) * dilation, 0), stride);
        return {first, least(padded / stride + 1, output), 1};
    }

    // Whether the window reads the input at a position that spans it.
    __device__ __forceinline__ bool reads(int position, int at) const {
        return (at + padding - position * stride) % dilation == 0;
    }
};

// An element of planes [height, width] by its row-major index.
struct Pixel {
    unsigned plane;
    int row, column;

    __device__ __forceinline__ Pixel(unsigned index, int height, int width) {
        const unsigned line = index / width;
        plane = line / height;
        row = line - plane * height;
        column = index - line * width;
    }
};

// Goes through such elements in equal steps, without a division at each.
struct Walk {
    Pixel at;
    int height, width, rows, columns;
    unsigned planes;

    __device__ __forceinline__ Walk(unsigned index, unsigned step, int height, int width)
        : at(index, height, width), height(height), width(width) {
        const Pixel distance(step, height, width);
        planes = distance.plane, rows = distance.row, columns = distance.column;
    }

    __device__ __forceinline__ void advance() {
        at.plane += planes, at.row += rows, at.column += columns;
        if (at.column >= width) at.column -= width, at.row++;
        if (at.row >= height) at.row -= height, at.plane++;
    }
};
