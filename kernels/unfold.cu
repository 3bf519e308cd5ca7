// Patches of images as columns, and back.
#include "numbers.cuh"
#include "strides.cuh"
#include "window.cuh"

// Patch matrices [planes, kernel rows, kernel columns, positions] of images; padding is zeros.
template <class T>
__device__ __forceinline__ void unfold(const T* images, T* out, unsigned count, Window rows, Window columns) {
    FOR_EACH(index, count) {
        const Pixel position(index, rows.output, columns.output);
        const Pixel tap(position.plane, rows.kernel, columns.kernel);
        const int y = rows.source(tap.row, position.row), x = columns.source(tap.column, position.column);
        const bool inside = 0 <= y && y < rows.input && 0 <= x && x < columns.input;
        out[index] = inside ? images[(tap.plane * rows.input + y) * columns.input + x] : T(0);
    }
}

// The adjoint: each element of the images adds up its copies in all patches, in the order of taps.
template <class T>
__device__ __forceinline__ void fold(const T* patches, T* out, unsigned count, Window rows, Window columns) {
    const unsigned positions = rows.output * columns.output;
    FOR_EACH(index, count) {
        const Pixel place(index, rows.input, columns.input);
        const unsigned matrix = place.plane * (unsigned)(rows.kernel * columns.kernel);
        T sum = T(0);
        for (int row_tap = 0; row_tap < rows.kernel; row_tap++) {
            const int down = place.row + rows.padding - row_tap * rows.dilation;
            const int y = down / rows.stride;
            if (down < 0 || down % rows.stride != 0 || y >= rows.output) continue;
            for (int column_tap = 0; column_tap < columns.kernel; column_tap++) {
                const int across = place.column + columns.padding - column_tap * columns.dilation;
                const int x = across / columns.stride;
                if (across < 0 || across % columns.stride != 0 || x >= columns.output) continue;
                const unsigned tap = matrix + row_tap * columns.kernel + column_tap;
                sum = plus(sum, patches[tap * positions + y * columns.output + x]);
            }
        }
        out[index] = sum;
    }
}

#define OF_NUMBERS(suffix, T)                                                                           \
    KERNEL(unfold_##suffix)(const T* images, T* out, unsigned count, Window rows, Window columns) {     \
        unfold(images, out, count, rows, columns);                                                      \
    }                                                                                                   \
    KERNEL(fold_##suffix)(const T* patches, T* out, unsigned count, Window rows, Window columns) {      \
        fold(patches, out, count, rows, columns);                                                       \
    }

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)
