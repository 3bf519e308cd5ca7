// Copies: row-major ones of strided arrays, conversions between types, and fills.
#include "map.cuh"
#include "numbers.cuh"

MAP1(copy_f32, float, float, x)
MAP1(copy_f64, double, double, x)
MAP1(copy_i64, int64_t, int64_t, x)
MAP1(copy_u8, uint8_t, uint8_t, x)
MAP1(copy_bool, bool, bool, x)

#define TO_ANY(suffix, A)                                                       \
    MAP1(to_f32_##suffix, float, A, float(double(x)))                                  \
    MAP1(to_f64_##suffix, double, A, double(x))                                 \
    MAP1(to_i64_##suffix, int64_t, A, converted<int64_t>(x))                \
    MAP1(to_u8_##suffix, uint8_t, A, converted<uint8_t>(x))         \
    MAP1(to_bool_##suffix, bool, A, x != A(0))

TO_ANY(f32, float)
TO_ANY(f64, double)
TO_ANY(i64, int64_t)
TO_ANY(u8, uint8_t)
TO_ANY(bool, bool)

#define FILL(suffix, T)                                              \
    KERNEL(fill_##suffix)(T* out, unsigned count, T value) {         \
        FOR_EACH(i, count) out[i] = value;                           \
    }

FILL(f32, float)
FILL(f64, double)
FILL(i64, int64_t)
FILL(u8, uint8_t)
