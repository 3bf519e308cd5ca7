// Padding and cropping of any axes, and the adjoint of the modes that repeat elements.
#include "numbers.cuh"
#include "strides.cuh"

// What lies beyond the edges of an axis, in the order of crates/cuda/src/pad.rs.
enum Fill { CONSTANT, REFLECT, REPLICATE, CIRCULAR };

// The axes of an array before and after padding: its strides, its sizes, and by how much it grows in front.
struct PadAxes {
    int64_t strides[MAX_RANK];
    int sizes[MAX_RANK], padded[MAX_RANK], before[MAX_RANK];
    int rank, fill;
};

// The position in an axis of `size` that a position in front of it, on it or behind it shows; -1 for the constant. The
// modes that repeat elements never reach further than once around.
__device__ __forceinline__ int shown(int position, int size, int fill) {
    if (0 <= position && position < size) return position;
    const int last = size - 1;
    switch (fill) {
        case REFLECT: return position < 0 ? -position : 2 * last - position;
        case REPLICATE: return position < 0 ? 0 : last;
        case CIRCULAR: return position < 0 ? position + size : position - size;
        default: return -1;
    }
}

template <class T> __device__ __forceinline__ void pad(const T* in, T* out, unsigned count, const PadAxes& axes, T constant) {
    FOR_EACH(index, count) {
        unsigned rest = index;
        int64_t offset = 0;
        bool inside = true;
        for (int axis = axes.rank - 1; axis >= 0; axis--) {
            const unsigned outer = rest / axes.padded[axis];
            const int position = (int)(rest - outer * axes.padded[axis]) - axes.before[axis];
            const int source = shown(position, axes.sizes[axis], axes.fill);
            inside = inside && source >= 0;
            offset += source * axes.strides[axis];
            rest = outer;
        }
        out[index] = inside ? in[offset] : constant;
    }
}

// The adjoint along one axis of [outer, axis, inner], which had `size` elements and `padded` after: the sum of the
// cotangents at all positions that showed an element, ascending. Each element was shown at its own place, at one mirror
// image or repetition on either side, and an edge at every place beyond it.
template <class T>
__device__ __forceinline__ void pad_grad(
    const T* cotangent, T* out, unsigned count, int size, int padded, int before, unsigned inner, int fill
) {
    FOR_EACH(index, count) {
        const unsigned line = index / inner, outer = line / size;
        const int own = line - outer * size, last = size - 1;
        const T* from = cotangent + outer * (padded * inner) + (index - line * inner);
        T sum = T(0);
        const auto add = [&](int position) {
            const int at = position + before;
            if (0 <= at && at < padded) sum = plus(sum, from[at * inner]);
        };
        if (fill == REPLICATE) {
            if (own == 0) {
                for (int position = -before; position < 0; position++) add(position);
            }
            add(own);
            if (own == last) {
                for (int position = size; position + before < padded; position++) add(position);
            }
        } else if (fill == CIRCULAR) {
            add(own - size), add(own), add(own + size);
        } else {
            // The edges are mirrors, not mirrored.
            if (own != 0) add(-own);
            add(own);
            if (own != last) add(2 * last - own);
        }
        out[index] = sum;
    }
}

#define OF_NUMBERS(suffix, T)                                                                                     \
    KERNEL(pad_##suffix)(const T* in, T* out, unsigned count, PadAxes axes, double constant) {                    \
        pad(in, out, count, axes, converted<T>(constant));                                                        \
    }                                                                                                             \
    KERNEL(pad_grad_##suffix)                                                                                     \
    (const T* cotangent, T* out, unsigned count, int size, int padded, int before, unsigned inner, int fill) {    \
        pad_grad(cotangent, out, count, size, padded, before, inner, fill);                                       \
    }

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)
