// Convolution and its gradient in the input, which is also the transposed convolution, as one product of matrices: a row
// for each channel of the result, a column for each position, a term for each channel of the source and tap of the kernel.
// The matrix of patches is never written: its elements are read from the images when a tile needs them.
#pragma once
#include "conv2d.cuh"
#include "tile.cuh"

// Along one axis: result position j lies at place first + j * step of the result, and reads the source with tap t at
// start + j * stride + t * dilation; that tap is number first_tap + t * tap_step of the kernel.
struct Sweep {
    int positions, first, step;
    int start, stride, dilation;
    int taps, first_tap, tap_step;
};

static __device__ Sweep forward_sweep(const Window& window) {
    return {window.output, 0, 1, -window.padding, window.stride, window.dilation, window.kernel, 0, 1};
}

// The input's gradient at y adds up the cotangents at (y + padding - t * dilation) / stride for those taps where this is
// whole. So the y with one remainder of y + padding by the stride share their taps, and neighbours among them read
// neighbours: a convolution of stride 1 for each remainder.
static __device__ Sweep adjoint_sweep(const Window& window, int remainder) {
    Sweep sweep;
    sweep.step = window.stride;
    sweep.first = (remainder + window.stride - window.padding % window.stride) % window.stride;
    sweep.positions = ceiling_quotient(most(window.input - sweep.first, 0), window.stride);
    sweep.first_tap = 0;
    while (sweep.first_tap < window.kernel && sweep.first_tap * window.dilation % window.stride != remainder) sweep.first_tap++;
    sweep.tap_step = 1;
    while (sweep.tap_step < window.kernel && sweep.tap_step * window.dilation % window.stride != 0) sweep.tap_step++;
    sweep.taps = ceiling_quotient(window.kernel - sweep.first_tap, sweep.tap_step);
    sweep.start = (sweep.first + window.padding - sweep.first_tap * window.dilation) / window.stride;
    sweep.stride = 1;
    sweep.dilation = -(sweep.tap_step * window.dilation / window.stride);
    return sweep;
}

// The product that one block has a tile of.
struct Product {
    Sweep rows, columns;
    int height, width;                  // of the source
    int result_height, result_width;
    int channels, result_channels;      // of one group
    int groups, group, images;
    int weight_channel, weight_result;  // weights from one channel of the source, and of the result, to the next
    int kernel_width;

    static __device__ Product of(const Convolution& c, bool adjoint, int group, int row_class, int column_class) {
        Product product;
        product.images = c.images, product.groups = c.groups, product.group = group;
        product.kernel_width = c.columns.kernel;
        const int plane_of_weights = c.taps(), planes_of_weights = c.in_channels * c.taps();
        if (adjoint) {
            product.rows = adjoint_sweep(c.rows, row_class), product.columns = adjoint_sweep(c.columns, column_class);
            product.height = c.rows.output, product.width = c.columns.output;
            product.result_height = c.rows.input, product.result_width = c.columns.input;
            product.channels = c.out_channels, product.result_channels = c.in_channels;
            product.weight_channel = planes_of_weights, product.weight_result = plane_of_weights;
        } else {
            product.rows = forward_sweep(c.rows), product.columns = forward_sweep(c.columns);
            product.height = c.rows.input, product.width = c.columns.input;
            product.result_height = c.rows.output, product.result_width = c.columns.output;
            product.channels = c.in_channels, product.result_channels = c.out_channels;
            product.weight_channel = plane_of_weights, product.weight_result = planes_of_weights;
        }
        return product;
    }

    __device__ __forceinline__ int plane() const { return height * width; }
    __device__ __forceinline__ int terms() const { return channels * rows.taps * columns.taps; }
    __device__ __forceinline__ unsigned positions() const { return (unsigned)images * (rows.positions * columns.positions); }

    // The term of a channel and of a row and a column of those taps that count here.
    __device__ __forceinline__ Term term(const Pixel& tap) const {
        const int channel = tap.plane, row = tap.row * rows.dilation, column = tap.column * columns.dilation;
        const int row_tap = rows.first_tap + tap.row * rows.tap_step;
        const int column_tap = columns.first_tap + tap.column * columns.tap_step;
        return {
            channel * (unsigned)plane() + row * (unsigned)width + column, row, column,
            channel * weight_channel + row_tap * kernel_width + column_tap,
        };
    }

    // The image and the row and column among the positions of this sweep.
    __device__ __forceinline__ Pixel position(unsigned index) const { return Pixel(index, rows.positions, columns.positions); }

    __device__ __forceinline__ Corner corner(unsigned index) const {
        if (index >= positions()) return {0, NOWHERE, NOWHERE};
        const Pixel at = position(index);
        const int row = rows.start + at.row * rows.stride, column = columns.start + at.column * columns.stride;
        const unsigned image = (at.plane * groups + group) * (unsigned)(channels * plane());
        return {image + row * (unsigned)width + column, row, column};
    }
};

// Brings the weights of a tile's channels, and what its positions see of the source.
template <class Tile> struct PatchLoader {
    using T = typename Tile::Element;
    static constexpr int DEPTH = Tile::DEPTH, THREADS = Tile::THREADS;
    // A thread has the same term of every few channels of the weights, and every few terms of the same position.
    static constexpr int CHANNELS_APART = THREADS / DEPTH, WEIGHTS = (Tile::ROWS + CHANNELS_APART - 1) / CHANNELS_APART;
    static constexpr int TERMS_APART = THREADS / Tile::COLUMNS, READS = DEPTH / TERMS_APART;
    static_assert(THREADS % Tile::COLUMNS == 0 && DEPTH % TERMS_APART == 0, "every thread has as many elements");

    const Product& product;
    const T* source;
    const T* weight;
    Term (*terms)[DEPTH];
    int first_channel, first, end;
    Corner corner;
    Walk taps;
    T weights[WEIGHTS], reads[READS];

    __device__ __forceinline__ void prepare(int step) {
        if ((int)threadIdx.x >= DEPTH) return;
        const bool inside = first + step * DEPTH + (int)threadIdx.x < end;
        terms[step % 2][threadIdx.x] = inside ? product.term(taps.at) : Term{0, NOWHERE, NOWHERE, -1};
        taps.advance();
    }

    __device__ __forceinline__ void fetch(int step) {
        const int weight_of_term = terms[step % 2][threadIdx.x % DEPTH].weight;
#pragma unroll
        for (int i = 0; i < WEIGHTS; i++) {
            const int channel = first_channel + (int)threadIdx.x / DEPTH + i * CHANNELS_APART;
            const bool inside = weight_of_term >= 0 && channel < product.result_channels;
            weights[i] = inside ? weight[channel * product.weight_result + weight_of_term] : T(0);
        }
#pragma unroll
        for (int i = 0; i < READS; i++) {
            const Term term = terms[step % 2][threadIdx.x / Tile::COLUMNS + i * TERMS_APART];
            reads[i] = corner.read(source, term, product.height, product.width);
        }
    }

    template <class Left, class Right> __device__ __forceinline__ void put(Left& left, Right& right) const {
#pragma unroll
        for (int i = 0; i < WEIGHTS; i++) {
            const int row = threadIdx.x / DEPTH + i * CHANNELS_APART;
            if (row < Tile::ROWS) left(row, threadIdx.x % DEPTH) = weights[i];
        }
#pragma unroll
        for (int i = 0; i < READS; i++) {
            right(threadIdx.x % Tile::COLUMNS, threadIdx.x / Tile::COLUMNS + i * TERMS_APART) = reads[i];
        }
    }
};

// What the launcher has decided. Part p of the terms, of `part_terms` each, goes to out + p * part_elements.
struct Plan {
    int adjoint;
    unsigned position_tiles;
    int part_terms;
    unsigned part_elements;
};

// Blocks are counted in one dimension: tiles of channels, tiles of positions, remainders, groups, parts, the first fastest,
// so that blocks next to each other read the same part of the source.
template <class Tile>
__device__ __forceinline__ void convolve(
    const typename Tile::Element* source, const typename Tile::Element* weight, const typename Tile::Element* bias,
    typename Tile::Element* out, const Convolution& c, const Plan& plan
) {
    using T = typename Tile::Element;
    __shared__ typename Tile::Shared shared;
    __shared__ Term terms[2][Tile::DEPTH];

    const bool adjoint = plan.adjoint;
    const unsigned channel_tiles = ((adjoint ? c.in_channels : c.out_channels) + Tile::ROWS - 1) / Tile::ROWS;
    const unsigned tile = blockIdx.x / channel_tiles, remainder = tile / plan.position_tiles;
    const unsigned row_classes = adjoint ? c.rows.stride : 1, column_classes = adjoint ? c.columns.stride : 1;
    const unsigned column_class = remainder % column_classes, row_class = remainder / column_classes % row_classes;
    const unsigned rest = remainder / column_classes / row_classes;
    const int part = rest / c.groups, group = rest - part * c.groups;
    const int first_channel = (blockIdx.x - tile * channel_tiles) * Tile::ROWS;
    const unsigned first_position = (tile - remainder * plan.position_tiles) * Tile::COLUMNS;

    // The same for the whole block, and much arithmetic.
    __shared__ Product product;
    if (threadIdx.x == 0) product = Product::of(c, adjoint, group, row_class, column_class);
    __syncthreads();
    if (first_position >= product.positions()) return;
    const T* group_weight = weight + group * (c.out_channels * c.in_channels * c.taps());
    const Corner corner = product.corner(first_position + threadIdx.x % Tile::COLUMNS);
    const int first = part * plan.part_terms, end = least(product.terms(), first + plan.part_terms);
    // There may be no tap at all, and then no step either.
    const Walk taps(first + threadIdx.x % Tile::DEPTH, Tile::DEPTH, most(product.rows.taps, 1), most(product.columns.taps, 1));
    const PatchLoader<Tile> loader{product, source, group_weight, terms, first_channel, first, end, corner, taps, {}, {}};
    Tile result = sum_products<Tile>(shared, loader, ceiling_quotient(most(end - first, 0), Tile::DEPTH));

    out += part * plan.part_elements;
    const unsigned result_plane = product.result_height * product.result_width;
    // A thread has many sums of few positions: the place of one is found anew only where the position changes.
    unsigned index = ~0u, image = 0, place = 0;
    result.each([&](int row, int column, T sum) {
        const int channel = first_channel + row;
        if (first_position + column >= product.positions() || channel >= product.result_channels) return;
        if (index != first_position + column) {
            index = first_position + column;
            const Pixel at = product.position(index);
            const unsigned line = product.rows.first + at.row * product.rows.step;
            image = at.plane;
            place = line * product.result_width + product.columns.first + at.column * product.columns.step;
        }
        const T base = bias ? bias[group * product.result_channels + channel] : T(0);
        out[((image * product.groups + group) * product.result_channels + channel) * result_plane + place] = sum + base;
    });
}

// Kernels that take images, weights and perhaps a bias; where plan.adjoint, a cotangent in place of the images. The name of
// a kernel ends in channels and positions of its tile and the type.
#define CONVOLUTION(name, Tile)                                                                                \
    BOUNDED_KERNEL((Tile::THREADS), name)                                                                      \
    (const Tile::Element* source, const Tile::Element* weight, const Tile::Element* bias, Tile::Element* out,  \
     Convolution c, Plan plan) {                                                                               \
        convolve<Tile>(source, weight, bias, out, c, plan);                                                    \
    }
