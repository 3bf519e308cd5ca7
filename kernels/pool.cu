// Max pooling: where the largest element of each window lies, the elements at such places, and the adjoint of that.
#include "strides.cuh"
#include "window.cuh"

// For each window of each plane the row-major index in its plane of the largest element: the first of equals, or the first
// NaN. Every window holds at least one element.
template <class T>
__device__ __forceinline__ void max_indices(const T* images, int64_t* out, unsigned count, Window rows, Window columns) {
    FOR_EACH(index, count) {
        const Pixel place(index, rows.output, columns.output);
        const T* plane = images + place.plane * (unsigned)(rows.input * columns.input);
        const Span ys = rows.sources(place.row), xs = columns.sources(place.column);
        int largest_at = ys.first * columns.input + xs.first;
        T largest = plane[largest_at];
        for (int y = ys.first; y < ys.end; y += ys.step) {
            for (int x = xs.first; x < xs.end; x += xs.step) {
                const int at = y * columns.input + x;
                const T value = plane[at];
                if (value > largest || (value != value && largest == largest)) {
                    largest = value;
                    largest_at = at;
                }
            }
        }
        out[index] = largest_at;
    }
}

// out[p, i] = images[p, indices[p, i]] for each plane p.
template <class T>
__device__ __forceinline__ void gather(
    const T* images, const int64_t* indices, T* out, unsigned count, unsigned in_plane, unsigned out_plane
) {
    FOR_EACH(i, count) out[i] = images[i / out_plane * in_plane + (unsigned)indices[i]];
}

// The adjoint: each element of the images adds up the cotangents of those windows over it that have picked it, in
// row-major order.
template <class T>
__device__ __forceinline__ void scatter(
    const T* cotangent, const int64_t* indices, T* out, unsigned count, Window rows, Window columns
) {
    FOR_EACH(index, count) {
        const Pixel place(index, rows.input, columns.input);
        const int own = place.row * columns.input + place.column;
        const Span ys = rows.positions_over(place.row), xs = columns.positions_over(place.column);
        const unsigned plane = place.plane * (unsigned)(rows.output * columns.output);
        T sum = T(0);
        for (int y = ys.first; y < ys.end; y++) {
            for (int x = xs.first; x < xs.end; x++) {
                const unsigned at = plane + y * columns.output + x;
                if (indices[at] == own) sum += cotangent[at];
            }
        }
        out[index] = sum;
    }
}

#define OF_NUMBERS(suffix, T)                                                                               \
    KERNEL(max_pool2d_indices_##suffix)                                                                     \
    (const T* images, int64_t* out, unsigned count, Window rows, Window columns) {                          \
        max_indices(images, out, count, rows, columns);                                                     \
    }                                                                                                       \
    KERNEL(max_pool2d_##suffix)                                                                             \
    (const T* images, const int64_t* indices, T* out, unsigned count, unsigned in_plane, unsigned out_plane) { \
        gather(images, indices, out, count, in_plane, out_plane);                                           \
    }

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)

#define OF_FLOATS(suffix, T)                                                                                \
    KERNEL(max_pool2d_grad_##suffix)                                                                        \
    (const T* cotangent, const int64_t* indices, T* out, unsigned count, Window rows, Window columns) {     \
        scatter(cotangent, indices, out, count, rows, columns);                                             \
    }

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
