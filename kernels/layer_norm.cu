// Layer normalisation of the rows of [rows, n] arrays, and its gradients. Weight and bias may be absent.
#include "channels.cuh"
#include "rows.cuh"

// Of a row: the mean, and 1 / sqrt(variance + epsilon).
template <class T> struct RowStatistics {
    T mean, scale;
};

template <class Team, class T>
__device__ __forceinline__ RowStatistics<T> row_statistics(const T* x, unsigned n, double epsilon) {
    const T count = T(n);
    const T mean = over_row<Team, Sum, T>(n, [=](unsigned i) { return x[i]; }) / count;
    const T variance = over_row<Team, Sum, T>(n, [=](unsigned i) { return (x[i] - mean) * (x[i] - mean); }) / count;
    return {mean, T(1) / sqrt(variance + T(epsilon))};
}

template <class Team, class T>
__device__ __forceinline__ void layer_norm(
    const T* x, const T* weight, const T* bias, T* y, unsigned rows, unsigned n, double epsilon
) {
    FOR_EACH_ROW(Team, row, rows) {
        const T* const in = x + (size_t)row * n;
        T* const out = y + (size_t)row * n;
        const RowStatistics<T> found = row_statistics<Team>(in, n, epsilon);
        for (unsigned i = Team::member(); i < n; i += Team::size()) {
            T value = (in[i] - found.mean) * found.scale;
            if (weight) value *= weight[i];
            if (bias) value += bias[i];
            out[i] = value;
        }
    }
}

// With h = g * weight: (h - mean h - x^ * mean (h x^)) * scale.
template <class Team, class T>
__device__ __forceinline__ void layer_norm_input_grad(
    const T* gradient, const T* x, const T* weight, T* out, unsigned rows, unsigned n, double epsilon
) {
    FOR_EACH_ROW(Team, row, rows) {
        const T* const in = x + (size_t)row * n;
        const T* const g = gradient + (size_t)row * n;
        const RowStatistics<T> found = row_statistics<Team>(in, n, epsilon);
        const auto h = [=](unsigned i) -> T { return weight ? g[i] * weight[i] : g[i]; };
        const T offset = over_row<Team, Sum, T>(n, h) / T(n);
        const T product = over_row<Team, Sum, T>(n, [=](unsigned i) { return h(i) * (in[i] - found.mean); });
        const T slope = product * found.scale * found.scale / T(n);
        for (unsigned i = Team::member(); i < n; i += Team::size()) {
            out[(size_t)row * n + i] = (h(i) - offset - (in[i] - found.mean) * slope) * found.scale;
        }
    }
}

// The statistics of every row, for the gradient of the weight, which goes through the columns.
template <class Team, class T>
__device__ __forceinline__ void layer_norm_rows(const T* x, RowStatistics<T>* found, unsigned rows, unsigned n, double epsilon) {
    FOR_EACH_ROW(Team, row, rows) {
        const RowStatistics<T> statistics = row_statistics<Team>(x + (size_t)row * n, n, epsilon);
        if (Team::member() == 0) found[row] = statistics;
    }
}

// One sum.
template <class T> struct ColumnSum {
    T sum;

    static __device__ __forceinline__ ColumnSum none() { return {T(0)}; }
    static __device__ __forceinline__ ColumnSum joined(ColumnSum a, ColumnSum b) { return {a.sum + b.sum}; }
};

// The sum of g x^ over the rows, for each column; the columns are the channels.
template <class T>
__device__ __forceinline__ void layer_norm_weight_grad(
    const T* g, const T* x, const RowStatistics<T>* rows, const Dims& dims, ColumnSum<T>* parts, T* out
) {
    const ColumnSum<T> found =
        fold_channel(dims, ColumnSum<T>::none(), [=](ColumnSum<T>& total, unsigned i, unsigned row) {
            total.sum += g[i] * ((x[i] - rows[row].mean) * rows[row].scale);
        });
    leave(dims, found, parts, [=](unsigned column, ColumnSum<T> found) { out[column] = found.sum; });
}

#define OF_FLOATS(suffix, T)                                                                                          \
    KERNELS_OF_TEAMS(layer_norm, suffix,                                                                              \
                     (const T* x, const T* weight, const T* bias, T* y, unsigned rows, unsigned n, double epsilon),   \
                     (x, weight, bias, y, rows, n, epsilon))                                                          \
    KERNELS_OF_TEAMS(layer_norm_input_grad, suffix,                                                                   \
                     (const T* g, const T* x, const T* weight, T* out, unsigned rows, unsigned n, double epsilon),    \
                     (g, x, weight, out, rows, n, epsilon))                                                           \
    KERNELS_OF_TEAMS(layer_norm_rows, suffix,                                                                         \
                     (const T* x, RowStatistics<T>* found, unsigned rows, unsigned n, double epsilon),                \
                     (x, found, rows, n, epsilon))                                                                    \
    KERNEL(layer_norm_weight_grad_##suffix)                                                                           \
    (const T* g, const T* x, const RowStatistics<T>* rows, Dims dims, ColumnSum<T>* parts, T* out) {                  \
        layer_norm_weight_grad(g, x, rows, dims, parts, out);                                                         \
    }                                                                                                                 \
    KERNEL(layer_norm_weight_grad_##suffix##_join)(const ColumnSum<T>* parts, Dims dims, T* out) {                    \
        join_parts(dims, parts, [=](unsigned column, ColumnSum<T> found) { out[column] = found.sum; });               \
    }

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
