// Convolution of images x [batch, channels, height, width] with weights w [units, channels, 3, 3] into y [batch, units,
// height - 2, width - 2], stride 1, no padding: numbered kernels, each with one idea more than the one before it.
// crates/book/src/kernels/convolution.rs starts them; the text is docs/book/src/convolution.md. What a thread, a warp and a block
// are is told in gemm.cu.
//
// The places of a result are counted along its rows: place = i · (width - 2) + j.
#include "register_tile.cuh"

constexpr int THREADS = 256;
// Height and width of a kernel, and its taps.
constexpr int SPAN = 3, TAPS = SPAN * SPAN;

// 1: a thread for each result, the sum over all channels and taps. Neighbouring threads have neighbouring units, so that they
// read the same numbers of the image, weights that lie far apart, and write results that lie farther apart.
// A block has THREADS results.
BOUNDED_KERNEL(THREADS, book_convolution_by_definition)
(const float* x, const float* w, float* y, int batch, int channels, int units, int height, int width) {
    const int rows = height - (SPAN - 1), columns = width - (SPAN - 1);
    const int64_t number = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (number >= (int64_t)batch * rows * columns * units) return;
    const int unit = number % units, j = number / units % columns, i = number / units / columns % rows;
    const int64_t image = number / units / columns / rows;
    float sum = 0.0f;
    for (int channel = 0; channel < channels; channel++) {
        for (int down = 0; down < SPAN; down++) {
            for (int right = 0; right < SPAN; right++) {
                const float weight = w[(((int64_t)unit * channels + channel) * SPAN + down) * SPAN + right];
                sum += weight * x[((image * channels + channel) * height + i + down) * width + j + right];
            }
        }
    }
    y[((image * units + unit) * rows + i) * columns + j] = sum;
}

// Channels whose weights are in shared memory at a time.
constexpr int PART = 64;

// 2: neighbouring threads have neighbouring places of one unit in one image. What they read of the image and write lies next to
// each other, and all need the same weights, which are copied into shared memory once for the block.
// A block has THREADS places of unit blockIdx.y and image blockIdx.z.
BOUNDED_KERNEL(THREADS, book_convolution_along_rows)
(const float* x, const float* w, float* y, int batch, int channels, int units, int height, int width) {
    __shared__ float weights[PART * TAPS];
    const int columns = width - (SPAN - 1), places = (height - (SPAN - 1)) * columns;
    const int unit = blockIdx.y, image = blockIdx.z, place = blockIdx.x * THREADS + threadIdx.x;
    if (unit >= units || image >= batch) return;
    x += (int64_t)image * channels * height * width + place / columns * width + place % columns;
    w += (int64_t)unit * channels * TAPS;
    float sum = 0.0f;
    for (int first = 0; first < channels; first += PART) {
        const int part = min(PART, channels - first);
        for (int e = threadIdx.x; e < part * TAPS; e += THREADS) weights[e] = w[(int64_t)first * TAPS + e];
        __syncthreads();
        // Those beyond the last place help to copy and do no more.
        for (int c = 0; c < (place < places ? part : 0); c++) {
            const float* corner = x + (int64_t)(first + c) * height * width;
#pragma unroll
            for (int tap = 0; tap < TAPS; tap++) {
                sum += weights[c * TAPS + tap] * corner[tap / SPAN * width + tap % SPAN];
            }
        }
        __syncthreads();
    }
    if (place < places) y[((int64_t)image * units + unit) * places + place] = sum;
}

// Results of a block in a plane, units it has them for, and channels in shared memory at a time.
constexpr int TALL = 8, WIDE = 32, UNITS = 8, CHANNELS = 4;
// The part of the image under the kernels that these results need.
constexpr int REACH_DOWN = TALL + SPAN - 1, REACH_RIGHT = WIDE + SPAN - 1;

// 3: a number of the image is needed at nine places and for every unit. A block copies a part of the image into shared memory,
// with the edge that its kernels reach beyond its results, and each thread has the sums of several units, so that a number read is
// multiplied UNITS times. Weights lie with units next to each other: two instructions read eight of them.
// A block has TALL · WIDE places, of a patch number blockIdx.x, for units blockIdx.y · UNITS and following of image blockIdx.z.
BOUNDED_KERNEL(THREADS, book_convolution_tiles)
(const float* x, const float* w, float* y, int batch, int channels, int units, int height, int width) {
    __shared__ float image[CHANNELS][REACH_DOWN][REACH_RIGHT];
    __shared__ __align__(16) float weights[CHANNELS][TAPS][UNITS];
    static_assert(TALL * WIDE == THREADS, "a thread for each place");
    const int rows = height - (SPAN - 1), columns = width - (SPAN - 1);
    const int across = (columns + WIDE - 1) / WIDE;
    const int top = blockIdx.x / across * TALL, left = blockIdx.x % across * WIDE, first_unit = blockIdx.y * UNITS;
    const int row = threadIdx.x / WIDE, column = threadIdx.x % WIDE, number = blockIdx.z;
    if (number >= batch) return;
    x += (int64_t)number * channels * height * width;
    float sums[UNITS] = {};
    for (int first = 0; first < channels; first += CHANNELS) {
        // Beyond the edges, the last channel and the last unit are zeros.
        for (int e = threadIdx.x; e < CHANNELS * REACH_DOWN * REACH_RIGHT; e += THREADS) {
            const int c = e / (REACH_DOWN * REACH_RIGHT), down = e / REACH_RIGHT % REACH_DOWN, right = e % REACH_RIGHT;
            const int channel = first + c, i = top + down, j = left + right;
            const bool inside = channel < channels && i < height && j < width;
            image[c][down][right] = inside ? x[((int64_t)channel * height + i) * width + j] : 0.0f;
        }
        for (int e = threadIdx.x; e < CHANNELS * TAPS * UNITS; e += THREADS) {
            const int u = e / (CHANNELS * TAPS), c = e / TAPS % CHANNELS, tap = e % TAPS;
            const int unit = first_unit + u, channel = first + c;
            const bool inside = unit < units && channel < channels;
            weights[c][tap][u] = inside ? w[((int64_t)unit * channels + channel) * TAPS + tap] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) {
#pragma unroll
            for (int tap = 0; tap < TAPS; tap++) {
                const float number = image[c][row + tap / SPAN][column + tap % SPAN];
#pragma unroll
                for (int u = 0; u < UNITS; u++) sums[u] += weights[c][tap][u] * number;
            }
        }
        __syncthreads();
    }
    if (top + row >= rows || left + column >= columns) return;
#pragma unroll
    for (int u = 0; u < UNITS; u++) {
        const int unit = first_unit + u;
        if (unit >= units) break;
        y[(((int64_t)number * units + unit) * rows + top + row) * columns + left + column] = sums[u];
    }
}

// Units and places of a block, and how many taps a step takes.
constexpr int MANY_UNITS = 64, MANY_PLACES = 128, DEPTH = 8;

namespace {

using Results = RegisterTile<1, 2>;

// The weights of a step, transposed, and what lies under the taps. A warp writes eight numbers to each of four rows of the
// first; four numbers more in a row put them into different banks of the shared memory.
struct Step {
    float weights[DEPTH][MANY_UNITS + 4], patches[DEPTH][MANY_PLACES];
};

// A place of an image: where in x its patch begins, and where in y its result for the first unit lies.
struct Place {
    int64_t in_x, in_y;

    __device__ __forceinline__ Place(int number, int channels, int units, int height, int width) {
        const int columns = width - (SPAN - 1), places = (height - (SPAN - 1)) * columns;
        const int64_t image = number / places;
        const int place = number % places;
        in_x = image * channels * height * width + place / columns * width + place % columns;
        in_y = image * units * places + place;
    }
};

}  // namespace

// 4: the convolution is a product, of the weights, a row for each unit, and of the patches, a column for each place of each image.
// It goes as the fast products do, with a tile of sums in registers; only that the matrix of patches exists nowhere. A thread
// that brings a number of it reads the image where that number comes from.
// A block has MANY_UNITS units and MANY_PLACES places; places are counted through all images.
BOUNDED_KERNEL(TILE_THREADS, book_convolution_product)
(const float* x, const float* w, float* y, int batch, int channels, int units, int height, int width) {
    __shared__ __align__(16) Step step;
    const int all_places = batch * (height - (SPAN - 1)) * (width - (SPAN - 1)), all_taps = channels * TAPS;
    const int first_unit = blockIdx.y * MANY_UNITS, first_place = blockIdx.x * MANY_PLACES;
    // Of the weights a thread brings two taps of one unit, of the patches every second tap of one place.
    const int u = threadIdx.x / 4, t = threadIdx.x % 4 * 2;
    const int v = threadIdx.x % MANY_PLACES, s = threadIdx.x / MANY_PLACES;
    const bool has_place = first_place + v < all_places;
    const float* patch = x + (has_place ? Place(first_place + v, channels, units, height, width).in_x : 0);
    const bool has_unit = first_unit + u < units;
    const float* weights = w + (has_unit ? (int64_t)(first_unit + u) * all_taps : 0);

    Results results;
    for (int first = 0; first < all_taps; first += DEPTH) {
#pragma unroll
        for (int d = t; d < t + 2; d++) step.weights[d][u] = has_unit && first + d < all_taps ? weights[first + d] : 0.0f;
#pragma unroll
        for (int r = 0; r < DEPTH; r += THREADS / MANY_PLACES) {
            const int p = first + r + s, channel = p / TAPS, down = p / SPAN % SPAN, right = p % SPAN;
            const bool inside = has_place && p < all_taps;
            step.patches[r + s][v] = inside ? patch[((int64_t)channel * height + down) * width + right] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int p = 0; p < DEPTH; p++) results.add(step.weights[p], step.patches[p]);
        __syncthreads();
    }

    const int places = (height - (SPAN - 1)) * (width - (SPAN - 1));
#pragma unroll
    for (int j = 0; j < 8; j++) {
        const int number = first_place + Results::column(j);
        if (number >= all_places) continue;
        const Place place(number, channels, units, height, width);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int unit = first_unit + Results::row(i);
            if (unit < units) y[place.in_y + (int64_t)unit * places] = results.sums[i][j];
        }
    }
}
