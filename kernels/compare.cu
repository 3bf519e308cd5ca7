// Comparisons, logic, and choices by truth values.
#include "map.cuh"
#include "numbers.cuh"

#define OF_NUMBERS(suffix, T)                                      \
    MAP2(eq_##suffix, bool, T, T, x == y)                          \
    MAP2(ne_##suffix, bool, T, T, x != y)                          \
    MAP2(lt_##suffix, bool, T, T, x < y)                           \
    MAP2(le_##suffix, bool, T, T, x <= y)                          \
    MAP2(gt_##suffix, bool, T, T, x > y)                           \
    MAP2(ge_##suffix, bool, T, T, x >= y)

OF_NUMBERS(f32, float)
OF_NUMBERS(f64, double)
OF_NUMBERS(i64, int64_t)
OF_NUMBERS(u8, uint8_t)
OF_NUMBERS(bool, bool)

// Every element against one number, integers as f64.
#define WITH_NUMBER(suffix, T)                                     \
    MAP1(eq_scalar_##suffix, bool, T, double(x) == p)              \
    MAP1(ne_scalar_##suffix, bool, T, double(x) != p)              \
    MAP1(lt_scalar_##suffix, bool, T, double(x) < p)               \
    MAP1(le_scalar_##suffix, bool, T, double(x) <= p)              \
    MAP1(gt_scalar_##suffix, bool, T, double(x) > p)               \
    MAP1(ge_scalar_##suffix, bool, T, double(x) >= p)

WITH_NUMBER(f32, float)
WITH_NUMBER(f64, double)
WITH_NUMBER(i64, int64_t)
WITH_NUMBER(u8, uint8_t)

#define OF_FLOATS(suffix, T)                                       \
    MAP1(isnan_##suffix, bool, T, x != x)                          \
    MAP1(isinf_##suffix, bool, T, absolute(x) == T(INFINITY))      \
    MAP1(isfinite_##suffix, bool, T, absolute(x) < T(INFINITY))

OF_FLOATS(f32, float)
OF_FLOATS(f64, double)

// Logic, where all but 0 is true. where: x chooses between y and z. masked_fill: y chooses between x and a number.
#define OF_ANY(suffix, T)                                          \
    MAP2(logical_and_##suffix, bool, T, T, x != T(0) && y != T(0)) \
    MAP2(logical_or_##suffix, bool, T, T, x != T(0) || y != T(0))  \
    MAP2(logical_xor_##suffix, bool, T, T, (x != T(0)) != (y != T(0))) \
    MAP1(logical_not_##suffix, bool, T, x == T(0))                 \
    MAP3(where_##suffix, T, bool, T, T, x ? y : z)                 \
    MAP2(masked_fill_##suffix, T, T, bool, y ? converted<T>(p) : x)

OF_ANY(f32, float)
OF_ANY(f64, double)
OF_ANY(i64, int64_t)
OF_ANY(u8, uint8_t)
OF_ANY(bool, bool)
