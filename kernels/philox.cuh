// Counter-based random numbers: Philox4x32-10 of J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC'11. The words and the floats made of them are the CPU's (crates/cpu/src/rng), bit by bit.
#pragma once
#include "plain.cuh"

// Four words, or two of 64 bits.
struct Words {
    uint32_t word[4];
    // The earlier word is the lower half.
    __device__ __forceinline__ uint64_t wide(int i) const { return word[2 * i] | (uint64_t)word[2 * i + 1] << 32; }
};

// Ten rounds of the Philox bijection on a 128-bit counter under a 64-bit key.
__device__ __forceinline__ Words philox4x32_10(Words counter, uint32_t low, uint32_t high) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        // Weyl sequences of the golden ratio and of sqrt(3) - 1.
        if (round > 0) low += 0x9E3779B9u, high += 0xBB67AE85u;
        const uint32_t a = counter.word[0], c = counter.word[2];
        counter = {{
            __umulhi(c, 0xCD9E8D57u) ^ counter.word[1] ^ low,
            c * 0xCD9E8D57u,
            __umulhi(a, 0xD2511F53u) ^ counter.word[3] ^ high,
            a * 0xD2511F53u,
        }};
    }
    return counter;
}

// Where a draw begins: a seed, one of its streams, and the block within the stream: `offset` blocks after the first that its
// step draws, which is `base`, or a word in memory where steps are replayed.
struct DrawPosition {
    uint64_t seed, stream, offset, base;
    const uint64_t* word;
    // The words of block `index` of the draw.
    __device__ __forceinline__ Words block(uint64_t index) const {
        const uint64_t counter = (word ? *word : base) + offset + index;
        const Words words = {
            {(uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}
        };
        return philox4x32_10(words, (uint32_t)seed, (uint32_t)(seed >> 32));
    }
};

// As many floats as fit in a block.
template <class T> struct Drawn {
    static constexpr int COUNT = 16 / sizeof(T);
    T number[COUNT];
};

// Numbers in [0, 1) on a grid of 2^-24 (f32) or 2^-53 (f64).
__device__ __forceinline__ void draw_units(const Words& words, Drawn<float>& out) {
#pragma unroll
    for (int i = 0; i < 4; i++) out.number[i] = __fmul_rn((float)(words.word[i] >> 8), 1.0f / (1u << 24));
}
__device__ __forceinline__ void draw_units(const Words& words, Drawn<double>& out) {
#pragma unroll
    for (int i = 0; i < 2; i++) out.number[i] = __dmul_rn((double)(words.wide(i) >> 11), 1.0 / (1ull << 53));
}

// Numbers in (0, 1): the midpoints of a grid of 2^-23 (f32) or 2^-52 (f64).
__device__ __forceinline__ Plain<float> open_unit(uint32_t word) {
    return (Plain<float>((float)(word >> 9)) + 0.5f) * (1.0f / (1u << 23));
}
__device__ __forceinline__ Plain<double> open_unit(uint64_t word) {
    return (Plain<double>((double)(word >> 12)) + 0.5) * (1.0 / (1ull << 52));
}

// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
template <int N> __device__ __forceinline__ Plain<float> polynomial(Plain<float> x, const float (&c)[N]) {
    Plain<float> y = c[N - 1];
#pragma unroll
    for (int i = N - 2; i >= 0; i--) y = mul_add(y, x, c[i]);
    return y;
}

// Natural logarithm of f32 for positive normal numbers, as crates/cpu/src/functions/logarithm.rs has it.
__device__ __forceinline__ Plain<float> logarithm(Plain<float> x) {
    typedef Plain<float> F;
    // Mantissas are taken from [2/3, 4/3), where the logarithm of a mantissa is smallest.
    constexpr int TWO_THIRDS = 0x3f2aaaab;
    constexpr float SERIES[] = {0.33333215f, -0.24999805f, 0.20010434f, -0.16680233f,
                                0.14005566f, -0.12187199f, 0.13985525f, -0.12880628f};
    const int bits = __float_as_int(x.value);
    const int power = (int)((unsigned)bits - (unsigned)TWO_THIRDS) >> 23;
    const F f = F(__int_as_float((int)((unsigned)bits - ((unsigned)power << 23)))) - 1.0f;
    const F exponent = (float)power;
    const F beyond_linear = f * f * mul_add(polynomial(f, SERIES), f, -0.5f);
    return mul_add(exponent, 0.6931472f, f + mul_add(exponent, -1.9046543e-9f, beyond_linear));
}

// Natural logarithm of f64 for positive normal numbers, as crates/cpu/src/rng/float.rs has it.
__device__ __forceinline__ Plain<double> logarithm(Plain<double> x) {
    typedef Plain<double> F;
    const long long bits = __double_as_longlong(x.value);
    const long long power = (bits - 0x3fe5555555555555ll) >> 52;
    const F f = F(__longlong_as_double(bits - power * (1ll << 52))) - 1.0;
    const F exponent = (double)power;
    // ln(1 + f) = 2 artanh s.
    const F s = f / (F(2.0) + f), square = s * s;
    F series = 2.0 / 23.0;
#pragma unroll
    for (int odd = 21; odd >= 3; odd -= 2) series = F(2.0 / odd) + square * series;
    const F twice = F(2.0) * s;
    const F low = F(1.9082149292705877e-10) * exponent;
    return exponent * 0.6931471803691238 + (twice + (s * square * series + low));
}

template <class T> struct Circle {
    Plain<T> cos, sin;
};

// Cosine and sine of a word as a fraction of 2^32 turns. The top two bits, rounded to nearest, are quarters, taken off
// exactly; the rest is a signed number.
__device__ __forceinline__ Circle<float> cos_sin_turns(uint32_t word) {
    typedef Plain<float> F;
    const uint32_t quarter = (word + (1u << 29)) >> 30;
    const F angle = F((float)((int)(word << 2) >> 2)) * (6.2831855f / 4294967296.0f);
    const F square = angle * angle;
    constexpr float SIN[] = {-0.16666651f, 0.008331979f, -0.00019495602f};
    constexpr float COS[] = {1.0f, -0.5f, 0.041666646f, -0.0013887368f, 0.000024438415f};
    const F sin = mul_add(angle * square, polynomial(square, SIN), angle);
    const F cos = polynomial(square, COS);
    // A quarter turn carries (cos, sin) into (-sin, cos).
    const float x = (quarter & 1) == 0 ? cos.value : sin.value, y = (quarter & 1) == 0 ? sin.value : cos.value;
    return {((quarter + 1) & 2) != 0 ? -x : x, (quarter & 2) != 0 ? -y : y};
}

// The same of a word of 64 bits and 2^64 turns, by Taylor's series.
__device__ __forceinline__ Circle<double> cos_sin_turns(uint64_t word) {
    typedef Plain<double> F;
    const uint64_t quarter = (word + ((uint64_t)1 << 61)) >> 62;
    const F angle = F((double)((int64_t)(word << 2) >> 2)) * (6.283185307179586 / 18446744073709551616.0);
    const F square = angle * angle;
    constexpr double SIN[] = {-1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0, 1.0 / 362880.0, -1.0 / 39916800.0,
                              1.0 / 6227020800.0, -1.0 / 1307674368000.0, 1.0 / 355687428096000.0};
    constexpr double COS[] = {1.0 / 24.0, -1.0 / 720.0, 1.0 / 40320.0, -1.0 / 3628800.0, 1.0 / 479001600.0,
                              -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
    F sin = SIN[7], cos = COS[6];
#pragma unroll
    for (int i = 6; i >= 0; i--) sin = F(SIN[i]) + square * sin;
#pragma unroll
    for (int i = 5; i >= 0; i--) cos = F(COS[i]) + square * cos;
    sin = angle + angle * square * sin;
    cos = F(1.0) - F(0.5) * square + square * square * cos;
    const double x = (quarter & 1) == 0 ? cos.value : sin.value, y = (quarter & 1) == 0 ? sin.value : cos.value;
    return {((quarter + 1) & 2) != 0 ? -x : x, (quarter & 2) != 0 ? -y : y};
}

// Two normal numbers from an open unit and a point of the unit circle, after G. E. P. Box and M. E. Muller (1958).
template <class T> __device__ __forceinline__ void normal_pair(Plain<T> unit, Circle<T> point, T* out) {
    const Plain<T> radius = square_root(Plain<T>(T(-2)) * logarithm(unit));
    out[0] = (radius * point.cos).value;
    out[1] = (radius * point.sin).value;
}
__device__ __forceinline__ void draw_normals(const Words& words, Drawn<float>& out) {
    normal_pair(open_unit(words.word[0]), cos_sin_turns(words.word[1]), out.number);
    normal_pair(open_unit(words.word[2]), cos_sin_turns(words.word[3]), out.number + 2);
}
__device__ __forceinline__ void draw_normals(const Words& words, Drawn<double>& out) {
    normal_pair(open_unit(words.wide(0)), cos_sin_turns(words.wide(1)), out.number);
}

// Waiting times of rate 1: the negative logarithms of open units.
__device__ __forceinline__ void draw_waits(const Words& words, Drawn<float>& out) {
#pragma unroll
    for (int i = 0; i < 4; i++) out.number[i] = -logarithm(open_unit(words.word[i])).value;
}
__device__ __forceinline__ void draw_waits(const Words& words, Drawn<double>& out) {
#pragma unroll
    for (int i = 0; i < 2; i++) out.number[i] = -logarithm(open_unit(words.wide(i))).value;
}
