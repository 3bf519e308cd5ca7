// Contents that an op refuses. Each kernel finds the first such element: `first` is set to all ones before.
#include "strides.cuh"

KERNEL(first_outside_i64)(const int64_t* index, unsigned count, int64_t size, unsigned* first) {
    FOR_EACH(i, count) {
        if (index[i] < 0 || index[i] >= size) atomicMin(first, i);
    }
}

#define FIRST_IMPROBABLE(suffix, T)                                                                  \
    KERNEL(first_improbable_##suffix)(const T* probability, unsigned count, unsigned* first) {       \
        FOR_EACH(i, count) {                                                                         \
            if (!(probability[i] >= T(0) && probability[i] <= T(1))) atomicMin(first, i);            \
        }                                                                                            \
    }

FIRST_IMPROBABLE(f32, float)
FIRST_IMPROBABLE(f64, double)
