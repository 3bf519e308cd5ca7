// Device functions that the host's <math.h> lacks. The fast forms (`__expf` and so on) are the exact ones here: a test
// that holds on the host with a tolerance made for the device says nothing about their error.
#pragma once

namespace emulator {
template <class To, class From>
inline To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "same size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
}  // namespace emulator

inline float __int_as_float(int x) { return emulator::bits_as<float>(x); }
inline int __float_as_int(float x) { return emulator::bits_as<int>(x); }
inline float __uint_as_float(unsigned x) { return emulator::bits_as<float>(x); }
inline unsigned __float_as_uint(float x) { return emulator::bits_as<unsigned>(x); }
inline double __longlong_as_double(long long x) { return emulator::bits_as<double>(x); }
inline long long __double_as_longlong(double x) { return emulator::bits_as<long long>(x); }
inline int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return (int)__double_as_longlong(x); }
inline double __hiloint2double(int high, int low) {
    return __longlong_as_double((long long)((unsigned long long)(unsigned)high << 32 | (unsigned)low));
}

// Newer C libraries declare some of these names, hence the macros.
namespace emulator {
inline float rsqrt_of(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt_of(double x) { return 1.0 / sqrt(x); }
template <class T>
inline T sin_of_pi(T x) {
    return (T)sin(3.14159265358979323846 * fmod((double)x, 2.0));
}
template <class T>
inline T cos_of_pi(T x) {
    return (T)cos(3.14159265358979323846 * fmod((double)x, 2.0));
}
inline float normal_cdf(float x) { return 0.5f * erfcf(-x * 0.70710678118654752f); }
inline double normal_cdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
}  // namespace emulator
#define rsqrtf(x) (::emulator::rsqrt_of((float)(x)))
#define rsqrt(x) (::emulator::rsqrt_of(x))
#define sinpif(x) (::emulator::sin_of_pi((float)(x)))
#define cospif(x) (::emulator::cos_of_pi((float)(x)))
#define sinpi(x) (::emulator::sin_of_pi(x))
#define cospi(x) (::emulator::cos_of_pi(x))
#define normcdff(x) (::emulator::normal_cdf((float)(x)))
#define normcdf(x) (::emulator::normal_cdf(x))
inline void sincospif(float x, float* s, float* c) { *s = sinpif(x), *c = cospif(x); }
inline void sincospi(double x, double* s, double* c) { *s = sinpi(x), *c = cospi(x); }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return exp10f(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline void __sincosf(float x, float* s, float* c) { *s = sinf(x), *c = cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }

inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return (float)(1.0 / sqrt((double)x)); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dsub_rn(double x, double y) { return x - y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __ddiv_rn(double x, double y) { return x / y; }
inline double __drcp_rn(double x) { return 1.0 / x; }
inline double __dsqrt_rn(double x) { return sqrt(x); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }

// Conversions saturate and send NaN to zero, where C++ leaves both undefined.
namespace emulator {
template <class To>
inline To saturate(double x) {
    const double low = std::is_signed<To>::value ? -(double)(1ull << (8 * sizeof(To) - 1)) : 0.0;
    const double high = std::is_signed<To>::value ? -low : 2.0 * (double)(1ull << (8 * sizeof(To) - 1));
    if (!(x == x)) return 0;
    if (x <= low) return (To)low;
    if (x >= high) return std::is_signed<To>::value ? (To)((~0ull >> 1) >> (64 - 8 * sizeof(To))) : (To)~0ull;
    return (To)x;
}
}  // namespace emulator
inline int __float2int_rn(float x) { return emulator::saturate<int>(rint(x)); }
inline int __float2int_rz(float x) { return emulator::saturate<int>(trunc(x)); }
inline int __float2int_rd(float x) { return emulator::saturate<int>(floor(x)); }
inline int __float2int_ru(float x) { return emulator::saturate<int>(ceil(x)); }
inline unsigned __float2uint_rn(float x) { return emulator::saturate<unsigned>(rint(x)); }
inline unsigned __float2uint_rz(float x) { return emulator::saturate<unsigned>(trunc(x)); }
inline long long __float2ll_rz(float x) { return emulator::saturate<long long>(trunc(x)); }
inline long long __float2ll_rn(float x) { return emulator::saturate<long long>(rint(x)); }
inline long long __double2ll_rz(double x) { return emulator::saturate<long long>(trunc(x)); }
inline long long __double2ll_rn(double x) { return emulator::saturate<long long>(rint(x)); }
inline int __double2int_rz(double x) { return emulator::saturate<int>(trunc(x)); }
inline float __int2float_rn(int x) { return (float)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
inline float __ll2float_rn(long long x) { return (float)x; }
inline double __ll2double_rn(long long x) { return (double)x; }
inline float __double2float_rn(double x) { return (float)x; }

inline int __mulhi(int x, int y) { return (int)((long long)x * y >> 32); }
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((unsigned long long)x * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long)((unsigned __int128)x * y >> 64);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline unsigned __brev(unsigned x) {
    unsigned y = 0;
    for (int i = 0; i < 32; ++i) y |= (x >> i & 1u) << (31 - i);
    return y;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    return (unsigned)((((unsigned long long)high << 32 | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return (unsigned)(((unsigned long long)high << 32 | low) >> (shift & 31));
}

// Loads and stores with a hint for the caches.
#define EMULATOR_LOAD(name) template <class T> inline T name(const T* place) { return *place; }
#define EMULATOR_STORE(name) template <class T> inline void name(T* place, T value) { *place = value; }
EMULATOR_LOAD(__ldg)
EMULATOR_LOAD(__ldca)
EMULATOR_LOAD(__ldcg)
EMULATOR_LOAD(__ldcs)
EMULATOR_STORE(__stcg)
EMULATOR_STORE(__stcs)
EMULATOR_STORE(__stwt)

// The device has these for mixed numbers, as overloads; a NaN loses against a number.
#define EMULATOR_MIN_MAX(T, A, B)                                                                                    \
    inline T min(A x, B y) { return (T)x < (T)y ? (T)x : (T)y; }                                                     \
    inline T max(A x, B y) { return (T)x > (T)y ? (T)x : (T)y; }
EMULATOR_MIN_MAX(int, int, int)
EMULATOR_MIN_MAX(unsigned, unsigned, unsigned)
EMULATOR_MIN_MAX(unsigned, int, unsigned)
EMULATOR_MIN_MAX(unsigned, unsigned, int)
EMULATOR_MIN_MAX(long, long, long)
EMULATOR_MIN_MAX(unsigned long, unsigned long, unsigned long)
EMULATOR_MIN_MAX(unsigned long, long, unsigned long)
EMULATOR_MIN_MAX(unsigned long, unsigned long, long)
EMULATOR_MIN_MAX(long long, long long, long long)
EMULATOR_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
EMULATOR_MIN_MAX(unsigned long long, long long, unsigned long long)
EMULATOR_MIN_MAX(unsigned long long, unsigned long long, long long)
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }
inline double min(double x, double y) { return fmin(x, y); }
inline double max(double x, double y) { return fmax(x, y); }
inline double min(float x, double y) { return fmin(x, y); }
inline double max(float x, double y) { return fmax(x, y); }
inline double min(double x, float y) { return fmin(x, y); }
inline double max(double x, float y) { return fmax(x, y); }
