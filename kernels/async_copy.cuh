// Copies from global to shared memory that go on while the threads compute (`cp.async`, compute capability 8.0; PTX ISA,
// "Non-bulk copy"). On older devices they are ordinary copies, finished at once. On the host they are as late as they may
// be, so that a kernel which does not wait for them is noticed.
#pragma once
#include "common.cuh"

#if defined(CUDA_ON_HOST)
#include <vector>

namespace late {

struct Copy {
    void* to;
    const void* from;
    int bytes, whole;
    unsigned group;
};

// What a thread has started and not waited for.
struct Copies {
    std::vector<Copy> waiting;
    unsigned group = 0;
};
// One array for all files of kernels, as the functions below are one for all of them.
inline Copies copies[1024];

inline void start(void* to, const void* from, int bytes, int whole) {
    // No NaN, which some kernels take for a reason to compute again.
    memset(to, 0x5a, (size_t)whole);
    Copies& mine = copies[block_index()];
    mine.waiting.push_back({to, from, bytes, whole, mine.group});
}

inline void wait(unsigned groups) {
    Copies& mine = copies[block_index()];
    size_t done = 0;
    for (; done < mine.waiting.size() && mine.group - mine.waiting[done].group > groups; done++) {
        const Copy& copy = mine.waiting[done];
        memset(copy.to, 0, (size_t)copy.whole);
        memcpy(copy.to, copy.from, (size_t)copy.bytes);
    }
    mine.waiting.erase(mine.waiting.begin(), mine.waiting.begin() + (long)done);
}

}  // namespace late
#endif

// Starts copying V neighbouring elements (4, 8 or 16 bytes, aligned as such on both sides): the first `count` of them
// come from memory, and the rest are zeros. With a count of 0 nothing is read, yet `from` must be some valid address.
template <int V, class T> __device__ __forceinline__ void copy_async(T* shared, const T* from, int count) {
    constexpr int BYTES = V * (int)sizeof(T);
    static_assert(BYTES == 4 || BYTES == 8 || BYTES == 16, "the sizes that the device copies");
#if defined(CUDA_ON_HOST)
    late::start(shared, from, count * (int)sizeof(T), BYTES);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    const unsigned to = (unsigned)__cvta_generic_to_shared(shared);
    const int bytes = count * (int)sizeof(T);
    if constexpr (BYTES == 16) {
        // Past the first-level cache, which neighbouring blocks do not share.
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(from), "n"(BYTES), "r"(bytes)
                     : "memory");
    }
#else
#pragma unroll
    for (int i = 0; i < V; i++) shared[i] = i < count ? from[i] : T(0);
#endif
}

// Ends a group: all copies that this thread has started since the last call.
__device__ __forceinline__ void end_copy_group() {
#if defined(CUDA_ON_HOST)
    late::copies[block_index()].group++;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until no more than the newest GROUPS groups of this thread are on their way. What other threads have copied is
// there after a barrier.
template <int GROUPS> __device__ __forceinline__ void wait_for_copies() {
#if defined(CUDA_ON_HOST)
    late::wait(GROUPS);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
#endif
}
