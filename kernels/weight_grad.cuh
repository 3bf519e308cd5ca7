// The gradient of a convolution in its weight as a product of matrices: a row for each output channel, a column for each
// input channel and tap, a term for each position of the window in each image.
//
// The result is small and the sums are long. So each block takes a part of the terms, and a second kernel (conv2d_parts.cu)
// adds up the parts in order; how many there are depends on the shape only.
#pragma once
#include "conv2d.cuh"
#include "tile.cuh"

// Brings the cotangent of a tile's output channels, and what its taps see of the images.
template <class Tile> struct PositionLoader {
    using T = typename Tile::Element;
    static constexpr int DEPTH = Tile::DEPTH;
    // A thread has the same term of every few channels and taps.
    static constexpr int APART = Tile::THREADS / DEPTH;
    static constexpr int CHANNELS = (Tile::ROWS + APART - 1) / APART, TAPS = Tile::COLUMNS / APART;
    static_assert(Tile::COLUMNS % APART == 0, "every thread has as many taps");

    const Convolution& c;
    const T* image;
    const T* cotangent;
    const Term* taps;
    int group, first_channel;
    unsigned first, end;
    Walk positions;
    T cotangents[CHANNELS], reads[TAPS];

    __device__ __forceinline__ void prepare(int) {}

    __device__ __forceinline__ void fetch(int step) {
        const bool inside = first + step * DEPTH + threadIdx.x % DEPTH < end;
        const Pixel at = positions.at;
        positions.advance();
        const unsigned out_plane = c.out_plane(), image_and_group = at.plane * c.groups + group;
        const unsigned position = at.row * c.columns.output + at.column;
        const T* of_position = cotangent + image_and_group * (c.out_channels * out_plane) + position;
#pragma unroll
        for (int i = 0; i < CHANNELS; i++) {
            const int channel = first_channel + (int)threadIdx.x / DEPTH + i * APART;
            cotangents[i] = inside && channel < c.out_channels ? of_position[channel * out_plane] : T(0);
        }
        const int row = inside ? c.rows.source(0, at.row) : NOWHERE, column = c.columns.source(0, at.column);
        const unsigned plane = image_and_group * (c.in_channels * c.in_plane());
        const Corner corner{plane + (unsigned)row * c.columns.input + column, row, column};
#pragma unroll
        for (int i = 0; i < TAPS; i++) {
            reads[i] = corner.read(image, taps[threadIdx.x / DEPTH + i * APART], c.rows.input, c.columns.input);
        }
    }

    template <class Left, class Right> __device__ __forceinline__ void put(Left& left, Right& right) const {
        const int k = threadIdx.x % DEPTH, row = threadIdx.x / DEPTH;
#pragma unroll
        for (int i = 0; i < CHANNELS; i++) {
            if (row + i * APART < Tile::ROWS) left(row + i * APART, k) = cotangents[i];
        }
#pragma unroll
        for (int i = 0; i < TAPS; i++) right(row + i * APART, k) = reads[i];
    }
};

// Blocks are counted in one dimension: tiles of channels, tiles of taps, groups, parts, the first fastest. Part p is of
// `part_terms` positions and goes to out + p * (number of weights).
template <class Tile>
__device__ __forceinline__ void weight_grad(
    const typename Tile::Element* image, const typename Tile::Element* cotangent, typename Tile::Element* out,
    const Convolution& c, unsigned part_terms
) {
    using T = typename Tile::Element;
    __shared__ typename Tile::Shared shared;
    __shared__ Term taps[Tile::COLUMNS];

    const int patch = c.in_channels * c.taps();
    const unsigned channel_tiles = ceiling_quotient(c.out_channels, Tile::ROWS);
    const unsigned tap_tiles = ceiling_quotient(patch, Tile::COLUMNS);
    const unsigned tile = blockIdx.x / channel_tiles, rest = tile / tap_tiles, part = rest / c.groups;
    const int first_channel = (blockIdx.x - tile * channel_tiles) * Tile::ROWS;
    const int first_tap = (tile - rest * tap_tiles) * Tile::COLUMNS;
    const int group = rest - part * c.groups;

    // Written before the first barrier of the sums, and read after it.
    for (int i = threadIdx.x; i < Tile::COLUMNS; i += Tile::THREADS) {
        const Pixel tap(first_tap + i, c.rows.kernel, c.columns.kernel);
        const int row = tap.row * c.rows.dilation, column = tap.column * c.columns.dilation;
        const unsigned offset = tap.plane * c.in_plane() + row * (unsigned)c.columns.input + column;
        taps[i] = first_tap + i < patch ? Term{offset, row, column, 0} : Term{0, NOWHERE, NOWHERE, -1};
    }
    const unsigned terms = (unsigned)c.images * c.out_plane(), first = part * part_terms;
    const unsigned end = terms - first < part_terms ? terms : first + part_terms;
    const Walk positions(first + threadIdx.x % Tile::DEPTH, Tile::DEPTH, c.rows.output, c.columns.output);
    const PositionLoader<Tile> loader{c, image, cotangent, taps, group, first_channel, first, end, positions, {}, {}};
    Tile result = sum_products<Tile>(shared, loader, (end - first + Tile::DEPTH - 1) / Tile::DEPTH);

    T* part_out = out + (part * c.groups + group) * (unsigned)(c.out_channels * patch);
    result.each([&](int row, int column, T sum) {
        const int channel = first_channel + row, tap = first_tap + column;
        if (channel < c.out_channels && tap < patch) part_out[channel * patch + tap] = sum;
    });
}

// Kernels that take images and a cotangent. The name of a kernel ends in channels and taps of its tile and the type.
#define WEIGHT_GRAD(name, Tile)                                                                                \
    BOUNDED_KERNEL((Tile::THREADS), name)                                                                      \
    (const Tile::Element* image, const Tile::Element* cotangent, Tile::Element* out, Convolution c, unsigned part_terms) { \
        weight_grad<Tile>(image, cotangent, out, c, part_terms);                                               \
    }
