// Barriers, warp functions, fences and atomics of the device, on top of the scheduler.
#pragma once

#define __syncthreads() ((void)::emulator::wait_for_block(::emulator::Count::none, false, EMULATOR_SITE))
#define __syncthreads_count(p) ((int)::emulator::wait_for_block(::emulator::Count::ones, (p), EMULATOR_SITE))
#define __syncthreads_or(p) ((int)(::emulator::wait_for_block(::emulator::Count::ones, (p), EMULATOR_SITE) != 0))
#define __syncthreads_and(p) ((int)(::emulator::wait_for_block(::emulator::Count::zeros, (p), EMULATOR_SITE) == 0))

// Warp functions take three or four arguments, the last one the width of a group of lanes.
#define __shfl_sync(...) ::emulator::shuffle<::emulator::Shuffle::index>(EMULATOR_SITE, __VA_ARGS__)
#define __shfl_up_sync(...) ::emulator::shuffle<::emulator::Shuffle::up>(EMULATOR_SITE, __VA_ARGS__)
#define __shfl_down_sync(...) ::emulator::shuffle<::emulator::Shuffle::down>(EMULATOR_SITE, __VA_ARGS__)
#define __shfl_xor_sync(...) ::emulator::shuffle<::emulator::Shuffle::exclusive_or>(EMULATOR_SITE, __VA_ARGS__)
#define __ballot_sync(mask, p) ::emulator::ballot(EMULATOR_SITE, mask, (p))
#define __any_sync(mask, p) ((int)(::emulator::ballot(EMULATOR_SITE, mask, (p)) != 0))
#define __all_sync(mask, p) ((int)(::emulator::ballot(EMULATOR_SITE, mask, !(p)) == 0))
#define __syncwarp(...) ::emulator::synchronise_warp(EMULATOR_SITE __VA_OPT__(, ) __VA_ARGS__)

namespace emulator {

enum class Shuffle { index, up, down, exclusive_or };

// Outside its group of `width` lanes a lane gets its own value back, as the programming guide has it.
template <Shuffle kind, class T>
inline T shuffle(const char* site, unsigned mask, T value, int operand, int width = 32) {
    static_assert(std::is_arithmetic<T>::value && sizeof(T) <= 8, "the device shuffles 4 and 8 byte numbers only");
    const int lane = (int)current_thread->lane, first = lane / width * width;
    int source = 0;
    switch (kind) {
        case Shuffle::index: source = first + (int)((unsigned)operand % (unsigned)width); break;
        case Shuffle::up: source = lane - operand < first ? lane : lane - operand; break;
        case Shuffle::down: source = lane + operand >= first + width ? lane : lane + operand; break;
        // Only a lower group may be read across a border.
        case Shuffle::exclusive_or: source = (lane ^ operand) >= first + width ? lane : lane ^ operand; break;
    }
    unsigned present;
    const Slot* slots = exchange_in_warp(mask, &value, sizeof(T), &present, site);
    if (!(present >> source & 1)) fail(site, "a shuffle reads lane %d, which is not in the mask", source);
    T result;
    memcpy(&result, slots[source].bytes, sizeof(T));
    return result;
}

inline unsigned ballot(const char* site, unsigned mask, bool predicate) {
    unsigned present, result = 0;
    const Slot* slots = exchange_in_warp(mask, &predicate, sizeof predicate, &present, site);
    for (unsigned lane = 0; lane < 32; ++lane)
        if ((present >> lane & 1) && slots[lane].bytes[0]) result |= 1u << lane;
    return result;
}

inline void synchronise_warp(const char* site, unsigned mask = 0xffffffffu) {
    unsigned present;
    exchange_in_warp(mask, nullptr, 0, &present, site);
}

// Blocks and threads take turns on one host thread, yet these are real atomics: ThreadSanitizer must see that they are.
template <class T, class Update>
inline T update_atomically(T* place, Update update) {
    T old, updated;
    __atomic_load(place, &old, __ATOMIC_RELAXED);
    do {
        updated = update(old);
    } while (!__atomic_compare_exchange(place, &old, &updated, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}

// A parameter whose type follows from the others only, so that `atomicAdd(&counter, 1)` converts its number.
template <class T>
struct Same {
    using type = T;
};
template <class T>
using Value = typename Same<T>::type;

}  // namespace emulator

#define EMULATOR_ATOMIC(name, condition, result)                                                                     \
    template <class T>                                                                                               \
    inline T name(T* place, ::emulator::Value<T> value) {                                                            \
        static_assert(condition, #name " has no such type on the device");                                           \
        return ::emulator::update_atomically(place, [&](T old) { return (T)(result); });                             \
    }
EMULATOR_ATOMIC(atomicAdd, std::is_floating_point<T>::value || sizeof(T) == 4 || std::is_unsigned<T>::value, old + value)
EMULATOR_ATOMIC(atomicSub, std::is_integral<T>::value && sizeof(T) == 4, old - value)
EMULATOR_ATOMIC(atomicMin, std::is_integral<T>::value, old < value ? old : value)
EMULATOR_ATOMIC(atomicMax, std::is_integral<T>::value, old > value ? old : value)
EMULATOR_ATOMIC(atomicAnd, std::is_integral<T>::value, old & value)
EMULATOR_ATOMIC(atomicOr, std::is_integral<T>::value, old | value)
EMULATOR_ATOMIC(atomicXor, std::is_integral<T>::value, old ^ value)
EMULATOR_ATOMIC(atomicExch, sizeof(T) >= 4, value)
EMULATOR_ATOMIC(atomicInc, (std::is_same<T, unsigned>::value), old >= value ? 0 : old + 1)

template <class T>
inline T atomicCAS(T* place, emulator::Value<T> compare, emulator::Value<T> value) {
    static_assert(std::is_integral<T>::value, "atomicCAS has no such type on the device");
    return emulator::update_atomically(place, [&](T old) { return old == compare ? value : old; });
}

// Fences order nothing here: threads take turns.
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
