// Softmax along the middle axis of [outer, n, inner], and its logarithm. The largest number of a row is taken off all of
// them first, so that no exponential overflows.
#include "rows.cuh"

// y = exp(x - max x) / sum of exp(x - max x)
template <class Team, class T>
__device__ __forceinline__ void softmax(const T* x, T* y, unsigned rows, unsigned n, unsigned inner) {
    FOR_EACH_ROW(Team, row, rows) {
        const Row<const T> in = row_of(x, row, n, inner);
        const Row<T> out = row_of(y, row, n, inner);
        const T largest = over_row<Team, Maximum, T>(n, [=](unsigned i) { return in[i]; });
        const T scale = T(1) / over_row<Team, Sum, T>(n, [=](unsigned i) { return exp(in[i] - largest); });
        for (unsigned i = Team::member(); i < n; i += Team::size()) out[i] = exp(in[i] - largest) * scale;
    }
}

// y = x - max x - ln (sum of exp(x - max x))
template <class Team, class T>
__device__ __forceinline__ void log_softmax(const T* x, T* y, unsigned rows, unsigned n, unsigned inner) {
    FOR_EACH_ROW(Team, row, rows) {
        const Row<const T> in = row_of(x, row, n, inner);
        const Row<T> out = row_of(y, row, n, inner);
        const T largest = over_row<Team, Maximum, T>(n, [=](unsigned i) { return in[i]; });
        const T shift = log(over_row<Team, Sum, T>(n, [=](unsigned i) { return exp(in[i] - largest); }));
        for (unsigned i = Team::member(); i < n; i += Team::size()) out[i] = in[i] - largest - shift;
    }
}

#define OF_FLOATS(suffix, T)                                                                                       \
    KERNELS_OF_TEAMS(softmax, suffix, (const T* x, T* y, unsigned rows, unsigned n, unsigned inner), \
                     (x, y, rows, n, inner))                                                                       \
    KERNELS_OF_TEAMS(log_softmax, suffix, (const T* x, T* y, unsigned rows, unsigned n, unsigned inner), \
                     (x, y, rows, n, inner))

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
