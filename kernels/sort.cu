// Stable sorting of the middle of three axes [outer, n, inner]: the positions of the elements in their order.
//
// Up to SORT_TILE elements are sorted by counting how many come before each. Longer lines are cut into such tiles, which
// are then merged two by two: an element's place among two runs is its place in its own plus the number of elements of the
// other that come before it, which a binary search finds.
#include "strides.cuh"

constexpr unsigned SORT_TILE = 1024;

// A number that orders elements as `<` does: the same for 0 and -0, and for every NaN one that is above all others.
__device__ __forceinline__ uint64_t order_key(double x) {
    if (x != x) return ~(uint64_t)0;
    // The bits of a float order as integers do, but that those of negative ones run backwards. -0 + 0 is 0.
    const uint64_t bits = (uint64_t)__double_as_longlong(x + 0.0);
    return x < 0.0 ? ~bits : bits | (uint64_t)1 << 63;
}
__device__ __forceinline__ uint64_t order_key(float x) { return order_key((double)x); }
__device__ __forceinline__ uint64_t order_key(int64_t x) { return (uint64_t)x ^ (uint64_t)1 << 63; }
__device__ __forceinline__ uint64_t order_key(uint8_t x) { return x; }
__device__ __forceinline__ uint64_t order_key(bool x) { return x; }

// Sorts one tile of a line. `emit(rank, key, position)` is called for each of its elements.
template <class T, class F>
__device__ __forceinline__ void sort_tile(
    const T* line, unsigned start, unsigned count, unsigned inner, bool descending, F emit
) {
    __shared__ uint64_t keys[SORT_TILE];
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        const uint64_t key = order_key(line[(int64_t)(start + i) * inner]);
        keys[i] = descending ? ~key : key;
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        const uint64_t key = keys[i];
        unsigned rank = 0;
        // Equals keep their order: those before count, those behind do not.
        for (unsigned j = 0; j < i; j++) rank += keys[j] <= key;
        for (unsigned j = i + 1; j < count; j++) rank += keys[j] < key;
        emit(rank, key, start + i);
    }
}

// The first element of line `line`.
__device__ __forceinline__ int64_t sort_line_start(unsigned line, unsigned n, unsigned inner) {
    const unsigned outer = line / inner;
    return (int64_t)outer * n * inner + (line - outer * inner);
}

// A block for each line, of at most SORT_TILE elements.
template <class T>
__device__ __forceinline__ void argsort(const T* x, int64_t* out, unsigned n, unsigned inner, bool descending) {
    const int64_t start = sort_line_start(blockIdx.x, n, inner);
    sort_tile(x + start, 0, n, inner, descending, [=](unsigned rank, uint64_t, unsigned position) {
        out[start + (int64_t)rank * inner] = position;
    });
}

// A block for each tile; keys and positions lie line after line.
template <class T>
__device__ __forceinline__ void argsort_tiles(
    const T* x, uint64_t* keys, unsigned* positions, unsigned n, unsigned inner, unsigned tiles, bool descending
) {
    const unsigned line = blockIdx.x / tiles, start = (blockIdx.x - line * tiles) * SORT_TILE;
    const unsigned count = n - start < SORT_TILE ? n - start : SORT_TILE;
    const int64_t to = (int64_t)line * n + start;
    const T* from = x + sort_line_start(line, n, inner);
    sort_tile(from, start, count, inner, descending, [=](unsigned rank, uint64_t key, unsigned position) {
        keys[to + rank] = key;
        positions[to + rank] = position;
    });
}

#define SORT(suffix, T)                                                                                         \
    KERNEL(argsort_##suffix)(const T* x, int64_t* out, unsigned n, unsigned inner, uint8_t descending) {        \
        argsort(x, out, n, inner, descending != 0);                                                             \
    }                                                                                                           \
    KERNEL(argsort_tiles_##suffix)                                                                              \
    (const T* x, uint64_t* keys, unsigned* positions, unsigned n, unsigned inner, unsigned tiles,               \
     uint8_t descending) {                                                                                      \
        argsort_tiles(x, keys, positions, n, inner, tiles, descending != 0);                                    \
    }

SORT(f32, float)
SORT(f64, double)
SORT(i64, int64_t)
SORT(u8, uint8_t)
SORT(bool, bool)

// Runs of `run` elements become runs of twice as many.
KERNEL(argsort_merge)
(const uint64_t* keys, const unsigned* positions, uint64_t* keys_out, unsigned* positions_out, unsigned count, unsigned n,
 unsigned run) {
    FOR_EACH(i, count) {
        const unsigned line = i / n, place = i - line * n;
        const unsigned number = place / run, own = number * run;
        const bool left = number % 2 == 0;
        const unsigned base = left ? own : own - run;
        // The other run, which may be short or missing at the end of the line.
        const unsigned other = left ? own + run : base;
        const unsigned beginning = other < n ? other : n, end = n - beginning < run ? n : beginning + run;
        const uint64_t key = keys[i];
        const uint64_t* others = keys + (int64_t)line * n;
        // How many of the other run come before: of equals, those of the left run do.
        unsigned low = beginning, high = end;
        while (low < high) {
            const unsigned middle = low + (high - low) / 2;
            if (left ? others[middle] < key : others[middle] <= key) low = middle + 1;
            else high = middle;
        }
        const int64_t to = (int64_t)line * n + base + (place - own) + (low - beginning);
        keys_out[to] = key;
        positions_out[to] = positions[i];
    }
}

// Positions, line after line, to where the lines lie in the result.
KERNEL(argsort_finish)(const unsigned* positions, int64_t* out, unsigned count, unsigned n, unsigned inner) {
    FOR_EACH(i, count) {
        const unsigned line = i / n;
        out[sort_line_start(line, n, inner) + (int64_t)(i - line * n) * inner] = positions[i];
    }
}
