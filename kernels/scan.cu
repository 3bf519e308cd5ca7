// Running totals along the middle of three axes [outer, n, inner], from its end where `reverse`. Floats are added in f64.
#include "numbers.cuh"
#include "strides.cuh"

// A block for each line of neighbours (inner = 1), which it takes a blockful at a time. The order of additions depends on
// the block's size, which follows from n.
template <class A, class R, class S>
__device__ __forceinline__ void scan_rows(const A* x, R* out, unsigned n, bool reverse) {
    __shared__ S totals[WARP];
    const unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    x += (int64_t)blockIdx.x * n;
    out += (int64_t)blockIdx.x * n;
    S before = S(0);
    for (unsigned start = 0; start < n; start += blockDim.x) {
        const unsigned i = start + threadIdx.x;
        const unsigned at = reverse ? n - 1 - i : i;
        S total = i < n ? S(x[at]) : S(0);
#pragma unroll
        for (unsigned reach = 1; reach < WARP; reach *= 2) {
            const S earlier = __shfl_up_sync(ALL_LANES, total, reach);
            if (lane >= reach) total = plus(earlier, total);
        }
        if (lane == WARP - 1) totals[warp] = total;
        __syncthreads();
        S offset = before;
        for (unsigned other = 0; other < warps; other++) {
            if (other < warp) offset = plus(offset, totals[other]);
            before = plus(before, totals[other]);
        }
        if (i < n) out[at] = R(plus(offset, total));
        // Before the next totals are written.
        __syncthreads();
    }
}

// A thread for each line, where neighbouring threads have neighbouring elements.
template <class A, class R, class S>
__device__ __forceinline__ void scan_columns(
    const A* x, R* out, unsigned lines, unsigned n, unsigned inner, bool reverse
) {
    FOR_EACH(line, lines) {
        const unsigned outer = line / inner;
        const int64_t start = (int64_t)outer * n * inner + (line - outer * inner);
        S total = S(0);
        for (unsigned i = 0; i < n; i++) {
            const int64_t at = start + (int64_t)(reverse ? n - 1 - i : i) * inner;
            total = plus(total, S(x[at]));
            out[at] = R(total);
        }
    }
}

#define SCAN(suffix, A, R, S)                                                                               \
    KERNEL(cumsum_rows_##suffix)(const A* x, R* out, unsigned n, uint8_t reverse) {                         \
        scan_rows<A, R, S>(x, out, n, reverse != 0);                                                        \
    }                                                                                                       \
    KERNEL(cumsum_columns_##suffix)                                                                         \
    (const A* x, R* out, unsigned lines, unsigned n, unsigned inner, uint8_t reverse) {                     \
        scan_columns<A, R, S>(x, out, lines, n, inner, reverse != 0);                                       \
    }

SCAN(f32, float, float, double)
SCAN(f64, double, double, double)
SCAN(i64, int64_t, int64_t, int64_t)
SCAN(u8, uint8_t, int64_t, int64_t)
SCAN(bool, bool, int64_t, int64_t)
