// Average pooling, resampling and their gradients: the rows and the columns of every plane are mapped linearly.
//
// An output is a double sum over some rows and some columns of its plane. Where that has few terms, a thread takes an
// output; where it has many, as in the mean of a whole plane, a warp does, a lane a term.
#include "plane_map.cuh"
#include "reduction.cuh"
#include "strides.cuh"

// A term of weight 0 is none: an infinite input must not make NaN of it.
template <class T, class Map>
__device__ __forceinline__ void map_planes(const T* in, T* out, unsigned count, const Map& rows, const Map& columns) {
    const int width = columns.inputs();
    FOR_EACH(index, count) {
        const Pixel place(index, rows.outputs(), columns.outputs());
        const T* plane = in + place.plane * (unsigned)(rows.inputs() * width);
        const Span ys = rows.inputs_of(place.row), xs = columns.inputs_of(place.column);
        T sum = T(0);
        for (int y = ys.first; y < ys.end; y += ys.step) {
            const T row_weight = rows.template weight<T>(place.row, y);
            if (row_weight == T(0)) continue;
            for (int x = xs.first; x < xs.end; x += xs.step) {
                const T weight = columns.template weight<T>(place.column, x);
                if (weight != T(0)) sum += plane[y * width + x] * row_weight * weight;
            }
        }
        out[index] = sum;
    }
}

template <class T, class Map>
__device__ __forceinline__ void map_planes_wide(const T* in, T* out, unsigned count, const Map& rows, const Map& columns) {
    const int width = columns.inputs(), lane = threadIdx.x % WARP;
    const unsigned warps = gridDim.x * (blockDim.x / WARP);
    for (unsigned index = (blockIdx.x * blockDim.x + threadIdx.x) / WARP; index < count; index += warps) {
        const Pixel place(index, rows.outputs(), columns.outputs());
        const T* plane = in + place.plane * (unsigned)(rows.inputs() * width);
        const Span ys = rows.inputs_of(place.row), xs = columns.inputs_of(place.column);
        const int across = xs.count(), terms = ys.count() * across;
        T sum = T(0);
        for (int term = lane; term < terms; term += WARP) {
            const int line = term / across;
            const int y = ys.first + line * ys.step, x = xs.first + (term - line * across) * xs.step;
            const T row_weight = rows.template weight<T>(place.row, y);
            const T weight = columns.template weight<T>(place.column, x);
            if (row_weight != T(0) && weight != T(0)) sum += plane[y * width + x] * row_weight * weight;
        }
        sum = warp_reduce<Sum>(sum);
        if (lane == 0) out[index] = sum;
    }
}

#define MAP_OF(name, suffix, T, Map)                                                             \
    KERNEL(name##_##suffix)(const T* in, T* out, unsigned count, Map rows, Map columns) {        \
        map_planes(in, out, count, rows, columns);                                               \
    }                                                                                            \
    KERNEL(name##_wide_##suffix)(const T* in, T* out, unsigned count, Map rows, Map columns) {   \
        map_planes_wide(in, out, count, rows, columns);                                          \
    }

#define PLANE_MAP(name, Map)                                \
    MAP_OF(name, f32, float, Map)                           \
    MAP_OF(name, f64, double, Map)                          \
    MAP_OF(name##_grad, f32, float, Transposed<Map>)        \
    MAP_OF(name##_grad, f64, double, Transposed<Map>)

PLANE_MAP(avg_pool2d, WindowAverage)
PLANE_MAP(adaptive_avg_pool2d, AdaptiveAverage)
PLANE_MAP(upsample_nearest2d, Nearest)
PLANE_MAP(upsample_bilinear2d, Linear)
