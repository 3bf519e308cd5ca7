// Operands of matrix products, and how a block brings a tile of one into shared memory.
//
// An operand is seen as `outer` indices (the rows of A, the columns of B) by `depth` indices, over which the product
// sums.
// A type that says where the element at (outer, depth) lies is a loader:
//
//   struct Loader {
//       using Element = float;
//       static constexpr bool ALONG_DEPTH;   // whether neighbours in memory differ in depth, or in the outer index
//       static constexpr int WIDTH;          // how many neighbours can be copied at once, if `wide()`: up to 16 bytes
//       bool wide() const;                   // whether they can be here; the same for all threads
//       struct Outer;  Outer outer(int) const;   // what is worth knowing about an outer index, found once a thread
//       struct Depth;  Depth depth(int) const;   // and about an index of depth, found at each step
//       template <int V> Piece<Element> piece(Outer, Depth) const;   // V neighbours from there on
//   };
//
// `Matrix` is one by strides; a convolution's patches are another. Indices beyond the operand's sizes are asked for too
// and get an empty piece: what is outside counts as zero.
#pragma once
#include "async_copy.cuh"

// Neighbouring elements, the first `count` of which exist. An empty piece has any valid address.
template <class T> struct Piece {
    const T* from;
    int count;
};

__device__ __forceinline__ int smaller(int x, int y) { return x < y ? x : y; }

// Neighbours that are read or written at once: 16 bytes.
template <class T> struct alignas(16) Run {
    static constexpr int LENGTH = 16 / sizeof(T);
    T element[LENGTH];
};

// As the launcher fills it; see crates/cuda/src/gemm/. Strides count elements.
template <class T> struct Operand {
    const T* start;
    int outer_stride, depth_stride;
    // Whether 16 bytes can be copied at once: one stride is 1, the other and the start allow the alignment.
    int wide;
    int unused;
};

// A matrix in memory.
template <class T, bool ALONG> struct Matrix {
    using Element = T;
    static constexpr bool ALONG_DEPTH = ALONG;
    static constexpr int WIDTH = Run<T>::LENGTH;
    using Outer = int;
    using Depth = int;

    Operand<T> operand;
    int outers, depths;

    __device__ __forceinline__ bool wide() const { return operand.wide; }
    __device__ __forceinline__ Outer outer(int index) const { return index; }
    __device__ __forceinline__ Depth depth(int index) const { return index; }

    template <int V> __device__ __forceinline__ Piece<T> piece(Outer outer, Depth depth) const {
        const bool inside = outer < outers && depth < depths;
        const int left = ALONG ? depths - depth : outers - outer;
        const T* from = operand.start + (int64_t)outer * operand.outer_stride + (int64_t)depth * operand.depth_stride;
        return {inside ? from : operand.start, inside ? smaller(left, V) : 0};
    }
};

// Where a tile's elements lie in shared memory: neighbours in global memory stay neighbours, so that they can be copied
// together. The padding spreads what a warp reads at once over the banks, and keeps pieces of 16 bytes aligned.
template <class T, bool ALONG, int OUTERS, int DEPTHS> struct TileLayout {
    static constexpr bool ALONG_DEPTH = ALONG;
    static constexpr int PITCH = ALONG_DEPTH ? DEPTHS + 16 / (int)sizeof(T) : OUTERS + 32 / (int)sizeof(T);
    static constexpr int SIZE = ALONG_DEPTH ? OUTERS * PITCH : DEPTHS * PITCH;

    static __device__ __forceinline__ int at(int outer, int depth) {
        return ALONG_DEPTH ? outer * PITCH + depth : depth * PITCH + outer;
    }
};

// How THREADS threads share a tile of OUTERS x DEPTHS among them, V neighbours at a time: neighbouring threads take
// neighbouring pieces, and each thread takes pieces of `PIECES` lines.
template <class Layout, int OUTERS, int DEPTHS, int THREADS, int V> struct Share {
    static constexpr int LENGTH = Layout::ALONG_DEPTH ? DEPTHS : OUTERS;
    static constexpr int SIDE_BY_SIDE = LENGTH / V;
    static constexpr int LINES = THREADS / SIDE_BY_SIDE;
    static constexpr int PIECES = (Layout::ALONG_DEPTH ? OUTERS : DEPTHS) / LINES;
    static_assert(SIDE_BY_SIDE * V == LENGTH && LINES * SIDE_BY_SIDE == THREADS, "the threads share a line evenly");
    static_assert(PIECES * LINES * LENGTH == OUTERS * DEPTHS, "each thread has as many pieces");

    static __device__ __forceinline__ int outer(int piece) {
        return Layout::ALONG_DEPTH ? threadIdx.x / SIDE_BY_SIDE + piece * LINES : threadIdx.x % SIDE_BY_SIDE * V;
    }
    static __device__ __forceinline__ int depth(int piece) {
        return Layout::ALONG_DEPTH ? threadIdx.x % SIDE_BY_SIDE * V : threadIdx.x / SIDE_BY_SIDE + piece * LINES;
    }
};

// One thread's part in copying tiles of an operand, all of the same outer indices.
template <class Loader, int OUTERS, int DEPTHS, int THREADS> struct Supply {
    using T = typename Loader::Element;
    using Layout = TileLayout<T, Loader::ALONG_DEPTH, OUTERS, DEPTHS>;
    using Wide = Share<Layout, OUTERS, DEPTHS, THREADS, Loader::WIDTH>;
    using Single = Share<Layout, OUTERS, DEPTHS, THREADS, 1>;
    // What the loader knows of the outer indices of each of the pieces.
    static constexpr int OUTER_PIECES = Loader::ALONG_DEPTH ? Wide::PIECES : 1;

    int first_outer;
    typename Loader::Outer outers[OUTER_PIECES];

    __device__ __forceinline__ Supply(const Loader& loader, int first) : first_outer(first) {
#pragma unroll
        for (int i = 0; i < OUTER_PIECES; i++) outers[i] = loader.outer(first_outer + Wide::outer(i));
    }

    __device__ __forceinline__ void start(const Loader& loader, int first_depth, T* shared) const {
        if (Loader::WIDTH == 1 || loader.wide()) {
#pragma unroll
            for (int i = 0; i < Wide::PIECES; i++) {
                const typename Loader::Depth depth = loader.depth(first_depth + Wide::depth(i));
                T* const to = shared + Layout::at(Wide::outer(i), Wide::depth(i));
                copy<Loader::WIDTH>(loader, outers[i % OUTER_PIECES], depth, to);
            }
        } else {
            // Rare, so that registers are better spent on other things than on addresses found once for all.
#pragma unroll 4
            for (int i = 0; i < Single::PIECES; i++) {
                const typename Loader::Outer outer = loader.outer(first_outer + Single::outer(i));
                const typename Loader::Depth depth = loader.depth(first_depth + Single::depth(i));
                copy<1>(loader, outer, depth, shared + Layout::at(Single::outer(i), Single::depth(i)));
            }
        }
    }

    template <int V>
    static __device__ __forceinline__ void copy(
        const Loader& loader, const typename Loader::Outer& outer, const typename Loader::Depth& depth, T* shared
    ) {
        const Piece<T> piece = loader.template piece<V>(outer, depth);
        copy_async<V>(shared, piece.from, piece.count);
    }
};
