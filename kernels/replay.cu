// What a step that is replayed as a graph needs besides its own work: the words that are its own each time, and a place for
// its results. Nothing of this waits for the host; see crates/cuda/src/replay.rs.
#include "map.cuh"

// The words of this replay: row `cursor` of `rows`, each of `width` words.
KERNEL(begin_replay)(const uint64_t* rows, unsigned width, const unsigned* cursor, uint64_t* words) {
    const uint64_t* row = rows + (size_t)*cursor * width;
    FOR_EACH(i, width) words[i] = row[i];
}

// Numbers of a replay, and whether each is a double.
constexpr unsigned REPLAY_RESULTS = 32;
struct ReplayResults {
    const void* number[REPLAY_RESULTS];
    unsigned count, doubles;
};

// Row `cursor` of `kept` becomes the results, and the cursor moves on. One block.
KERNEL(end_replay)(ReplayResults results, double* kept, unsigned* cursor) {
    const unsigned row = *cursor, i = threadIdx.x;
    if (i < results.count) {
        const void* number = results.number[i];
        const bool is_double = results.doubles >> i & 1;
        kept[row * results.count + i] =
            is_double ? *static_cast<const double*>(number) : (double)*static_cast<const float*>(number);
    }
    __syncthreads();
    if (i == 0) *cursor = row + 1;
}

// Raises a flag, which stays raised, where one of the numbers found lies below the limit.
#define RAISE_FLAG(suffix, U)                                                                                 \
    KERNEL(raise_flag_##suffix)(const U* found, unsigned count, uint64_t limit, unsigned* flag) {             \
        FOR_EACH(i, count) {                                                                                  \
            if (found[i] < limit) *flag = 1;                                                                  \
        }                                                                                                     \
    }

RAISE_FLAG(u32, unsigned)
RAISE_FLAG(u64, uint64_t)
