// Batch normalisation of [batch, channels, length] arrays. Statistics are [2, channels]: means, then biased variances.
#include "channels.cuh"
#include "map.cuh"

// What becomes of an element of a channel: f((x - mean) * scale + shift), with a rectifier f of this slope below 0; a slope
// of 1 is none.
template <class T> struct Line {
    T mean, deviation, scale, shift, slope;

    __device__ __forceinline__ T value(T x) const {
        const T y = (x - mean) * scale + shift;
        if (slope == T(0)) return y < T(0) ? T(0) : y;
        return y > T(0) ? y : y * slope;
    }
    // g times the slope of f. An infinite g must not make NaN of a slope of 0.
    __device__ __forceinline__ T pulled(T g, T x) const {
        if ((x - mean) * scale + shift > T(0)) return g;
        return slope == T(0) ? T(0) : g * slope;
    }
};

// The lines of all channels, as kernels take them. Weight and bias may be absent.
template <class T> struct Lines {
    const T* statistics;
    const T* weight;
    const T* bias;
    double epsilon, slope;

    __device__ __forceinline__ Line<T> of(unsigned channel, unsigned channels) const {
        const T deviation = T(1) / sqrt(statistics[channels + channel] + T(epsilon));
        const T scale = weight ? deviation * weight[channel] : deviation;
        return {statistics[channel], deviation, scale, bias ? bias[channel] : T(0), T(slope)};
    }
};

// out = f(what `prepare` makes of the channel, the element of a, that of b), for every element. The channel of four
// neighbours is looked up once where it is one.
template <class T, class Prepare, class F>
__device__ __forceinline__ void each_of_channels(
    const T* a, const T* b, T* out, unsigned count, unsigned channels, unsigned length, Prepare prepare, F f
) {
    const unsigned fours = length % 4 == 0 && is_aligned(a) && is_aligned(b) && is_aligned(out) ? count / 4 : 0;
    FOR_EACH(i, fours) {
        const auto channel = prepare(i / (length / 4) % channels);
        const Four<T> x = reinterpret_cast<const Four<T>*>(a)[i];
        const Four<T> y = reinterpret_cast<const Four<T>*>(b)[i];
        Four<T> result;
#pragma unroll
        for (int j = 0; j < 4; j++) result.element[j] = f(channel, x.element[j], y.element[j]);
        reinterpret_cast<Four<T>*>(out)[i] = result;
    }
    FOR_EACH(i, count - fours * 4) out[i] = f(prepare(i / length % channels), a[i], b[i]);
}

template <class T> __device__ __forceinline__ void finish_statistics(const Dims& dims, unsigned channel, Moments<T> found, T* out) {
    out[channel] = found.mean;
    out[dims.channels + channel] = found.squares / found.count;
}

// The gradients of bias and weight; the second sum is still without its factor.
template <class T>
__device__ __forceinline__ void finish_affine_grad(
    const Dims& dims, unsigned channel, Sums<T> found, const Lines<T>& lines, T* out
) {
    out[channel] = found.first;
    out[dims.channels + channel] = found.second * lines.of(channel, dims.channels).deviation;
}

// The sums of g f' and of g f' (x - mean) over each channel.
template <class T>
__device__ __forceinline__ void batch_norm_affine_grad(
    const T* g, const T* x, const Dims& dims, const Lines<T>& lines, Sums<T>* parts, T* out
) {
    const unsigned channel = dims.channel();
    const Line<T> line = channel < dims.channels ? lines.of(channel, dims.channels) : Line<T>();
    const Sums<T> found = fold_channel(dims, Sums<T>::none(), [=](Sums<T>& sums, unsigned i, unsigned) {
        const T pulled = line.pulled(g[i], x[i]);
        sums.first += pulled;
        sums.second += pulled * (x[i] - line.mean);
    });
    leave(dims, found, parts, [=](unsigned channel, Sums<T> found) {
        finish_affine_grad(dims, channel, found, lines, out);
    });
}

// What the gradient of the input needs of a channel beside its line: the mean of the gradient, and the slope along x.
template <class T> struct Pull {
    Line<T> line;
    T offset, slope;
};

// (g f' - mean (g f') - x^ * mean (g f' x^)) * scale, given the two sums.
template <class T>
__device__ __forceinline__ void batch_norm_input_grad(
    const T* g, const T* x, const T* sums, T* out, unsigned count, const Dims& dims, const Lines<T>& lines
) {
    const T share = T(1) / T(double(dims.batch) * dims.length);
    each_of_channels(
        g, x, out, count, dims.channels, dims.length,
        [=](unsigned channel) -> Pull<T> {
            const Line<T> line = lines.of(channel, dims.channels);
            return {line, sums[channel] * share, line.deviation * sums[dims.channels + channel] * share};
        },
        [](const Pull<T>& pull, T g, T x) -> T {
            const Line<T>& line = pull.line;
            return (line.pulled(g, x) - pull.offset - (x - line.mean) * pull.slope) * line.scale;
        }
    );
}

#define OF_FLOATS(suffix, T)                                                                                          \
    KERNEL(batch_norm_statistics_##suffix)(const T* x, Dims dims, Moments<T>* parts, T* out) {                        \
        const Moments<T> found =                                                                                      \
            fold_channel(dims, Moments<T>::none(), [=](Moments<T>& all, unsigned i, unsigned) { all.add(x[i]); });    \
        leave(dims, found, parts, [=](unsigned channel, Moments<T> found) {                                           \
            finish_statistics(dims, channel, found, out);                                                             \
        });                                                                                                           \
    }                                                                                                                 \
    KERNEL(batch_norm_statistics_##suffix##_join)(const Moments<T>* parts, Dims dims, T* out) {                       \
        join_parts(dims, parts, [=](unsigned channel, Moments<T> found) {                                             \
            finish_statistics(dims, channel, found, out);                                                             \
        });                                                                                                           \
    }                                                                                                                 \
    KERNEL(batch_norm_##suffix)(const T* x, T* out, unsigned count, Dims dims, Lines<T> lines) {                      \
        each_of_channels(                                                                                             \
            x, x, out, count, dims.channels, dims.length,                                                             \
            [=](unsigned channel) { return lines.of(channel, dims.channels); },                                       \
            [](const Line<T>& line, T x, T) { return line.value(x); }                                                 \
        );                                                                                                            \
    }                                                                                                                 \
    KERNEL(batch_norm_affine_grad_##suffix)                                                                           \
    (const T* g, const T* x, Dims dims, Lines<T> lines, Sums<T>* parts, T* out) {                                     \
        batch_norm_affine_grad(g, x, dims, lines, parts, out);                                                        \
    }                                                                                                                 \
    KERNEL(batch_norm_affine_grad_##suffix##_join)(const Sums<T>* parts, Dims dims, Lines<T> lines, T* out) {         \
        join_parts(dims, parts, [=](unsigned channel, Sums<T> found) {                                                \
            finish_affine_grad(dims, channel, found, lines, out);                                                     \
        });                                                                                                           \
    }                                                                                                                 \
    KERNEL(batch_norm_input_grad_##suffix)                                                                            \
    (const T* g, const T* x, const T* sums, T* out, unsigned count, Dims dims, Lines<T> lines) {                      \
        batch_norm_input_grad(g, x, sums, out, count, dims, lines);                                                   \
    }                                                                                                                 \
    /* running = kept * running + share * factor * found, for means and for variances. */                             \
    KERNEL(update_running_##suffix)                                                                                   \
    (T* means, T* variances, const T* statistics, unsigned channels, double momentum, double unbiased) {              \
        FOR_EACH(i, channels * 2) {                                                                                   \
            const bool is_mean = i < channels;                                                                        \
            T* const running = is_mean ? means + i : variances + (i - channels);                                      \
            *running = *running * T(1.0 - momentum) + statistics[i] * T(is_mean ? 1.0 : unbiased) * T(momentum);      \
        }                                                                                                             \
    }

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
