// Elements and slices written or added where indices say. Repeated indices meet in one thread, which takes them in their
// order: no atomics, and the same sums each time as on the CPU.
//
// That thread is the place's own where there are more indices than places. Otherwise, it is the one of the first index
// that names the place (of the last, where values replace each other), and places that no index names cost nothing.
// Either way every index is compared with min(indices, places) others.
#include "numbers.cuh"
#include "strides.cuh"

// Lines along the axis, as index, source and result have them.
struct ScatterLines {
    // Where a line begins: the shape of the index without the axis.
    Strides<3> places;
    // From neighbour to neighbour along the axis.
    int64_t index_stride, source_stride, out_stride;
    // Number of lines, indices of each, and elements of the result along the axis.
    unsigned lines, length, size;
    // Whether neighbouring threads take one line's indices; otherwise neighbouring lines.
    unsigned along_lines;

    // The line of unit i of lines * owners, and which of its owners it is.
    __device__ __forceinline__ unsigned locate(unsigned i, unsigned owners, unsigned& owner) const {
        const unsigned line = along_lines ? i / owners : i % lines;
        owner = along_lines ? i - line * owners : i / lines;
        return line;
    }
};

template <class T>
__device__ __forceinline__ void scatter(T* out, const int64_t* index, const T* source, const ScatterLines& lines) {
    FOR_EACH(i, lines.lines * lines.length) {
        unsigned j;
        int64_t at[3];
        lines.places.offsets(lines.locate(i, lines.length, j), at);
        const int64_t* line = index + at[0];
        const int64_t place = line[j * lines.index_stride];
        if (place < 0 || place >= lines.size) continue;
        bool last = true;
        for (unsigned later = j + 1; later < lines.length && last; later++) {
            last = line[later * lines.index_stride] != place;
        }
        if (last) out[at[2] + place * lines.out_stride] = source[at[1] + j * lines.source_stride];
    }
}

template <class T>
__device__ __forceinline__ void scatter_add(T* out, const int64_t* index, const T* source, const ScatterLines& lines) {
    const bool by_place = lines.size <= lines.length;
    const unsigned owners = by_place ? lines.size : lines.length;
    FOR_EACH(i, lines.lines * owners) {
        unsigned owner;
        int64_t at[3];
        lines.places.offsets(lines.locate(i, owners, owner), at);
        const int64_t* line = index + at[0];
        const T* terms = source + at[1];
        const int64_t place = by_place ? (int64_t)owner : line[owner * lines.index_stride];
        if (place < 0 || place >= lines.size) continue;
        bool first = true;
        if (!by_place) {
            for (unsigned earlier = 0; earlier < owner && first; earlier++) {
                first = line[earlier * lines.index_stride] != place;
            }
        }
        if (!first) continue;
        T sum = out[at[2] + place * lines.out_stride];
#pragma unroll 4
        for (unsigned j = by_place ? 0 : owner; j < lines.length; j++) {
            if (line[j * lines.index_stride] == place) sum = plus(sum, terms[j * lines.source_stride]);
        }
        out[at[2] + place * lines.out_stride] = sum;
    }
}

// out [outer, size, inner] += source [outer, length, inner], slice j at index[j]. A block takes one owner, for which its
// threads take different columns of the slices; each warp finds the indices to be added by itself, 128 at a time.
template <class T>
__device__ __forceinline__ void index_add(
    T* out, const int64_t* index, const T* source, unsigned length, unsigned size, unsigned outer, unsigned inner
) {
    constexpr unsigned SPAN = 4;
    const bool by_place = size <= length;
    const unsigned lane = threadIdx.x % WARP, owner = blockIdx.x;
    const int64_t place = by_place ? (int64_t)owner : index[owner];
    if (place < 0 || place >= size) return;
    if (!by_place) {
        for (unsigned start = 0; start < owner; start += WARP) {
            const unsigned j = start + lane;
            if (__any_sync(ALL_LANES, j < owner && index[j] == place)) return;
        }
    }
    const unsigned columns = outer * inner;
    // All lanes go through the indices, also those beyond the last column.
    for (unsigned start = blockIdx.y * blockDim.x; start < columns; start += gridDim.y * blockDim.x) {
        const unsigned column = start + threadIdx.x;
        const bool used = column < columns;
        const unsigned block = used ? column / inner : 0, k = used ? column - block * inner : 0;
        T* target = out + ((int64_t)block * size + place) * inner + k;
        const T* terms = source + (int64_t)block * length * inner + k;
        T sum = used ? *target : T(0);
        for (unsigned first = by_place ? 0 : owner; first < length; first += SPAN * WARP) {
            unsigned matches[SPAN];
#pragma unroll
            for (unsigned part = 0; part < SPAN; part++) {
                const unsigned j = first + part * WARP + lane;
                matches[part] = __ballot_sync(ALL_LANES, j < length && index[j < length ? j : 0] == place);
            }
#pragma unroll
            for (unsigned part = 0; part < SPAN; part++) {
                // Two at a time, so that one load need not wait for the other.
                for (unsigned left = matches[part]; left != 0;) {
                    const unsigned j = first + part * WARP + __ffs(left) - 1;
                    left &= left - 1;
                    const bool more = left != 0;
                    const unsigned next = more ? first + part * WARP + __ffs(left) - 1 : j;
                    left &= left - 1;
                    const T one = used ? terms[(int64_t)j * inner] : T(0);
                    const T two = used && more ? terms[(int64_t)next * inner] : T(0);
                    sum = plus(sum, one);
                    if (more) sum = plus(sum, two);
                }
            }
        }
        if (used) *target = sum;
    }
}

#define SCATTER(suffix, T)                                                                              \
    KERNEL(scatter_##suffix)(T* out, const int64_t* index, const T* source, ScatterLines lines) {       \
        scatter(out, index, source, lines);                                                             \
    }

SCATTER(f32, float)
SCATTER(f64, double)
SCATTER(i64, int64_t)
SCATTER(u8, uint8_t)
SCATTER(bool, bool)

#define SCATTER_ADD(suffix, T)                                                                                  \
    KERNEL(scatter_add_##suffix)(T* out, const int64_t* index, const T* source, ScatterLines lines) {           \
        scatter_add(out, index, source, lines);                                                                 \
    }                                                                                                           \
    KERNEL(index_add_##suffix)                                                                                  \
    (T* out, const int64_t* index, const T* source, unsigned length, unsigned size, unsigned outer,             \
     unsigned inner) {                                                                                          \
        index_add(out, index, source, length, size, outer, inner);                                              \
    }

SCATTER_ADD(f32, float)
SCATTER_ADD(f64, double)
SCATTER_ADD(i64, int64_t)
SCATTER_ADD(u8, uint8_t)
