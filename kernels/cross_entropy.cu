// Softmax cross-entropy of logits [outer, classes, inner] against class indices [outer, inner], and its gradient, without
// storing the softmax. The true class has `peak` of the target beyond the `spread` that every class has. A sample whose
// target is `ignored` counts nothing.
#include "rows.cuh"

// What is known of the targets before any loss, by one block: how many are not ignored, where the first one is that is no
// class (-1: nowhere), and what it says.
KERNEL(class_targets)(const int64_t* targets, unsigned count, unsigned classes, int64_t ignored, int64_t* found) {
    int counted = 0, first_wrong = (int)count;
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        const int64_t target = targets[i];
        if (target == ignored) continue;
        counted++;
        if ((target < 0 || target >= (int64_t)classes) && (int)i < first_wrong) first_wrong = (int)i;
    }
    counted = block_reduce<Sum>(counted);
    first_wrong = block_reduce<Minimum>(first_wrong);
    if (threadIdx.x != 0) return;
    const bool wrong = first_wrong < (int)count;
    found[0] = counted;
    found[1] = wrong ? first_wrong : -1;
    found[2] = wrong ? targets[first_wrong] : 0;
}

// ln (sum of exp x) over a row, whose largest number may be infinite.
template <class Team, class T> __device__ __forceinline__ T log_sum_exp(Row<const T> row, unsigned n) {
    const T largest = over_row<Team, Maximum, T>(n, [=](unsigned i) { return row[i]; });
    const T sum = over_row<Team, Sum, T>(n, [=](unsigned i) { return exp(row[i] - largest); });
    return fabs(largest) < T(INFINITY) ? largest + log(sum) : largest;
}

// The loss of each sample.
template <class Team, class T>
__device__ __forceinline__ void cross_entropy(
    const T* logits, const int64_t* targets, T* losses, unsigned samples, unsigned classes, unsigned inner,
    int64_t ignored, T peak, T spread
) {
    FOR_EACH_ROW(Team, sample, samples) {
        const int64_t target = targets[sample];
        T loss = T(0);
        if (target != ignored) {
            const Row<const T> row = row_of(logits, sample, classes, inner);
            loss = log_sum_exp<Team>(row, classes);
            // What is no class makes no number; the host tells of it.
            loss -= peak * (target >= 0 && target < (int64_t)classes ? row[(unsigned)target] : T(NAN));
            if (spread != T(0)) loss -= spread * over_row<Team, Sum, T>(classes, [=](unsigned i) { return row[i]; });
        }
        if (Team::member() == 0) losses[sample] = loss;
    }
}

// g (softmax - target) of each logit, with one g for each sample (step 1) or one (step 0), of which each sample has its
// share where they are counted.
template <class Team, class T>
__device__ __forceinline__ void cross_entropy_grad(
    const T* logits, const int64_t* targets, const T* cotangents, unsigned step, const int64_t* counted, T* out,
    unsigned samples, unsigned classes, unsigned inner, int64_t ignored, T peak, T spread
) {
    const T share = counted ? T(1.0 / double(*counted)) : T(1);
    FOR_EACH_ROW(Team, sample, samples) {
        const int64_t target = targets[sample];
        const Row<T> slopes = row_of(out, sample, classes, inner);
        if (target == ignored) {
            for (unsigned i = Team::member(); i < classes; i += Team::size()) slopes[i] = T(0);
            continue;
        }
        const Row<const T> row = row_of(logits, sample, classes, inner);
        const T g = cotangents[(size_t)sample * step] * share;
        const T total = log_sum_exp<Team>(row, classes);
        for (unsigned i = Team::member(); i < classes; i += Team::size()) {
            const T slope = g * (exp(row[i] - total) - spread);
            slopes[i] = (int64_t)i == target ? slope - g * peak : slope;
        }
    }
}

#define OF_FLOATS(suffix, T)                                                                                         \
    KERNELS_OF_TEAMS(cross_entropy, suffix,                                                                          \
                     (const T* logits, const int64_t* targets, T* losses, unsigned samples, unsigned classes,        \
                      unsigned inner, int64_t ignored, T peak, T spread),                                            \
                     (logits, targets, losses, samples, classes, inner, ignored, peak, spread))                      \
    KERNELS_OF_TEAMS(cross_entropy_grad, suffix,                                                                     \
                     (const T* logits, const int64_t* targets, const T* cotangents, unsigned step,                   \
                      const int64_t* counted, T* out, unsigned samples, unsigned classes, unsigned inner,            \
                      int64_t ignored, T peak, T spread),                                                            \
                     (logits, targets, cotangents, step, counted, out, samples, classes, inner, ignored, peak, spread))

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)
