// The scheduler: runs the blocks of a launch one after another, and the threads of a block in turns.
//
// A fibre runs thread after thread by plain calls. Only a thread that waits keeps its fibre; another fibre then goes on
// with the threads that have not started. So a kernel without barriers and shuffles costs no switch per thread, and one
// with them costs one switch for each wait. A warp goes on for as long as it can before another one gets a turn: the
// stacks of 32 threads fit the nearest cache, those of a whole block do not.
//
// Under ThreadSanitizer each thread of a block has a fibre of its own: the local variables of two threads would else lie
// at the same addresses, as if they shared them.
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "crash.hpp"
#include "fibre.hpp"
#include "launch.hpp"

namespace emulator {

Thread* current_thread;
Block current_block;
const Kernel* current_kernel;

// Filled by the constructors of other files, in no certain order.
static Kernel* kernels;

void register_kernel(Kernel& kernel) {
    kernel.next = kernels;
    kernels = &kernel;
}

Kernel* first_kernel() { return kernels; }

namespace {

constexpr unsigned most_threads = 1024;
constexpr unsigned most_warps = most_threads / 32;

enum class State : unsigned char { unstarted, running, in_warp, in_block, done };

struct Scheduled {
    Thread thread;
    State state;
    bool predicate;
    Count count;
    unsigned char exchanges, barriers;  // how many, to alternate between two slots
    unsigned mask;
    const char* site;
    Fibre* fibre;
};

struct Scheduler {
    const Kernel* kernel = nullptr;
    void** arguments = nullptr;
    unsigned threads = 0, started = 0, finished = 0, in_block = 0;
    unsigned in_warp[most_warps];  // the lanes of each warp that wait for others of it
    unsigned ready[most_warps], ready_warps = 0;  // the lanes that could go on, and the warps that have such lanes
    unsigned barrier_result = 0;
    bool failed = false;
    std::string failure;
    Fibre host;
    Fibre* current = nullptr;
    std::vector<Fibre*> idle, all;  // under ThreadSanitizer none is ever idle, and `all` is by thread
    Scheduled thread[most_threads];
    // A lane cannot reach its next exchange but one before all lanes of the mask have read this one: two sets do.
    Slot slots[2][most_threads];
#if EMULATOR_THREAD
    void* host_identity = nullptr;
    std::vector<void*> identities;
    // What orders what, for ThreadSanitizer. Two of each, used in turn: with one, a barrier would also order what another
    // thread does after it.
    char begin, end, barrier[2], warp[2][most_warps];
#endif
};

Scheduler* the_scheduler;

// Made by the first launch and never destroyed: a process may end while a kernel runs.
inline Scheduler& scheduler() { return *the_scheduler; }

inline unsigned lanes_of(unsigned warp) {
    const unsigned lanes = scheduler().threads - warp * 32;
    return lanes >= 32 ? ~0u : (1u << lanes) - 1;
}

void describe_failure(const char* site, const std::string& what) {
    Scheduler& s = scheduler();
    if (s.failed) return;
    s.failed = true;
    char text[200];
    const uint3 b = current_block.index, t = current_thread->index;
    snprintf(text, sizeof text, ", block (%u,%u,%u), thread (%u,%u,%u), ", b.x, b.y, b.z, t.x, t.y, t.z);
    s.failure = std::string(s.kernel->name) + text + site + ": " + what;
}

void make_ready(unsigned warp, unsigned lanes) {
    Scheduler& s = scheduler();
    s.ready[warp] |= lanes;
    s.ready_warps |= 1u << warp;
}

// Whether all lanes that one of them waits for have come to the same exchange.
bool is_complete(unsigned warp, const Scheduled& first, unsigned wanted) {
    Scheduler& s = scheduler();
    if ((s.in_warp[warp] & wanted) != wanted) return false;
    for (unsigned rest = wanted; rest; rest &= rest - 1) {
        const Scheduled& other = s.thread[warp * 32 + __builtin_ctz(rest)];
        if (other.mask != first.mask || (other.site != first.site && strcmp(other.site, first.site) != 0)) return false;
    }
    return true;
}

void release_lanes(unsigned warp, unsigned lanes) {
    Scheduler& s = scheduler();
    s.in_warp[warp] &= ~lanes;
    make_ready(warp, lanes);
}

// Lets go on the lanes of a warp that wait for each other only.
void release_warp(unsigned warp) {
    Scheduler& s = scheduler();
    for (unsigned waiting = s.in_warp[warp]; waiting;) {
        const Scheduled& first = s.thread[warp * 32 + __builtin_ctz(waiting)];
        const unsigned wanted = first.mask & lanes_of(warp);
        const bool complete = is_complete(warp, first, wanted);
        if (complete) release_lanes(warp, wanted);
        waiting &= complete ? ~wanted : waiting - 1;
    }
}

// Lets the block go on if all of it stands at the same barrier.
void release_block() {
    Scheduler& s = scheduler();
    unsigned result = 0;
    const Scheduled& first = s.thread[0];
    for (unsigned i = 0; i < s.threads; ++i) {
        const Scheduled& other = s.thread[i];
        if (other.site != first.site && strcmp(other.site, first.site) != 0) {
            current_thread = &s.thread[i].thread;
            return describe_failure(other.site, std::string("a barrier that other threads do not reach: they wait at ") + first.site);
        }
        result += other.predicate == (other.count == Count::ones);
    }
    s.barrier_result = result;
    s.in_block = 0;
    for (unsigned warp = 0; warp * 32 < s.threads; ++warp) make_ready(warp, lanes_of(warp));
}

// Nobody can go on and not all are done: says who waits for whom.
void describe_deadlock() {
    Scheduler& s = scheduler();
    for (unsigned warp = 0; warp * 32 < s.threads; ++warp) {
        if (!s.in_warp[warp]) continue;
        Scheduled& first = s.thread[warp * 32 + __builtin_ctz(s.in_warp[warp])];
        for (unsigned rest = first.mask & lanes_of(warp); rest; rest &= rest - 1) {
            const Scheduled& other = s.thread[warp * 32 + __builtin_ctz(rest)];
            if (other.state == State::in_warp && other.mask == first.mask && !strcmp(other.site, first.site)) continue;
            const std::string lane = std::to_string(other.thread.lane);
            current_thread = &first.thread;
            return describe_failure(first.site, "a warp function waits for lane " + lane + ", which " +
                                                    (other.state == State::done ? std::string("has returned") : std::string("waits at ") + other.site));
        }
    }
    for (unsigned i = 0; i < s.threads; ++i) {
        if (s.thread[i].state != State::in_block) continue;
        current_thread = &s.thread[i].thread;
        return describe_failure(s.thread[i].site, "a barrier that " + std::to_string(s.finished) + " threads of the block do not reach: they have returned");
    }
}

[[noreturn]] void run_threads();

Fibre* fibre_for_unstarted() {
    Scheduler& s = scheduler();
    if (EMULATOR_THREAD && s.started < s.all.size()) return s.all[s.started];
    if (s.idle.empty()) {
        s.all.push_back(new_fibre(&run_threads));
        return s.all.back();
    }
    Fibre* fibre = s.idle.back();
    s.idle.pop_back();
    return fibre;
}

// The fibre to go on with when the current one cannot.
Fibre* next_fibre() {
    Scheduler& s = scheduler();
    if (s.failed) return &s.host;
    if (!s.ready_warps) {
        if (s.started < s.threads) return fibre_for_unstarted();
        for (unsigned warp = 0; warp * 32 < s.threads; ++warp)
            if (s.in_warp[warp]) release_warp(warp);
        if (!s.ready_warps && s.in_block == s.threads) release_block();
        if (!s.ready_warps && !s.failed && s.finished < s.threads) describe_deadlock();
        if (!s.ready_warps) return &s.host;
    }
    unsigned warp = current_thread->warp;
    if (!s.ready[warp]) warp = (unsigned)__builtin_ctz(s.ready_warps);
    Scheduled& next = s.thread[warp * 32 + __builtin_ctz(s.ready[warp])];
    s.ready[warp] &= s.ready[warp] - 1;
    if (!s.ready[warp]) s.ready_warps &= ~(1u << warp);
    next.state = State::running;
    current_thread = &next.thread;
    return next.fibre;
}

void become(unsigned thread) {
#if EMULATOR_THREAD
    __tsan_switch_to_fiber(scheduler().identities[thread], 1);  // 1: a switch orders nothing
#else
    (void)thread;
#endif
}

void become_host() {
#if EMULATOR_THREAD
    __tsan_switch_to_fiber(scheduler().host_identity, 1);
#endif
}

void go_on_with(Fibre* next) {
    Scheduler& s = scheduler();
    Fibre* mine = s.current;
    if (next == mine) return;
    s.current = next;
    switch_fibre(*mine, *next);
}

// What a fibre does: threads that have not started, one after another; then it lends itself to the next block.
void run_threads() {
    Scheduler& s = scheduler();
    entered();
    for (;;) {
        do {
            const unsigned index = s.started++;
            Scheduled& mine = s.thread[index];
            mine.state = State::running;
            mine.exchanges = mine.barriers = 0;
            mine.fibre = s.current;
            current_thread = &mine.thread;
            become(index);
#if EMULATOR_THREAD
            __tsan_acquire(&s.begin);
#endif
            s.kernel->call(s.arguments);
            // The thread may have waited, and others run meanwhile: `mine` is still this fibre's own.
#if EMULATOR_THREAD
            __tsan_release(&s.end);
#endif
            become_host();
            mine.state = State::done;
            ++s.finished;
        } while (!EMULATOR_THREAD && s.started < s.threads && !s.failed);
        if (!EMULATOR_THREAD) s.idle.push_back(s.current);
        go_on_with(next_fibre());
    }
}

void wait(Scheduled& mine) {
    become_host();
    go_on_with(next_fibre());
    current_thread = &mine.thread;
    become(mine.thread.linear);
}

Scheduled& current_scheduled() { return scheduler().thread[current_thread->linear]; }

void run_block() {
    Scheduler& s = scheduler();
    s.started = s.finished = s.in_block = 0;
#if EMULATOR_THREAD
    __tsan_release(&s.begin);
#endif
    s.current = &s.host;
    go_on_with(fibre_for_unstarted());
#if EMULATOR_THREAD
    __tsan_acquire(&s.end);
#endif
}

void prepare(dim3 size) {
    Scheduler& s = scheduler();
    s.threads = size.x * size.y * size.z;
    unsigned index = 0;
    for (unsigned z = 0; z < size.z; ++z)
        for (unsigned y = 0; y < size.y; ++y)
            for (unsigned x = 0; x < size.x; ++x, ++index) s.thread[index].thread = {{x, y, z}, index, index / 32, index % 32};
    memset(s.in_warp, 0, sizeof s.in_warp);
    memset(s.ready, 0, sizeof s.ready);
    s.ready_warps = 0;
#if EMULATOR_THREAD
    s.host_identity = __tsan_get_current_fiber();
    while (s.identities.size() < s.threads) s.identities.push_back(__tsan_create_fiber(0));
#endif
}

// After a failure fibres stand in the middle of kernels that will never go on.
void abandon() {
    Scheduler& s = scheduler();
    for (Fibre* fibre : s.all) restart(*fibre, &run_threads);
#if EMULATOR_THREAD
    // The next launch runs on the same stacks, with new identities that come after all that these have done.
    for (unsigned thread = 0; thread < s.identities.size(); ++thread) {
        become(thread);
        __tsan_release(&s.end);
        become_host();
    }
    __tsan_acquire(&s.end);
    for (void* identity : s.identities) __tsan_destroy_fiber(identity);
    s.identities.clear();
#else
    s.idle = s.all;
#endif
}

}  // namespace

unsigned wait_for_block(Count count, bool predicate, const char* site) {
    Scheduler& s = scheduler();
    Scheduled& mine = current_scheduled();
    mine.state = State::in_block;
    mine.count = count;
    mine.predicate = predicate;
    mine.site = site;
    ++s.in_block;
#if EMULATOR_THREAD
    char* order = &s.barrier[mine.barriers++ & 1];
    __tsan_release(order);
#endif
    wait(mine);
#if EMULATOR_THREAD
    __tsan_acquire(order);
#endif
    return s.barrier_result;
}

const Slot* exchange_in_warp(unsigned mask, const void* value, size_t size, unsigned* present, const char* site) {
    Scheduler& s = scheduler();
    Scheduled& mine = current_scheduled();
    const unsigned warp = mine.thread.warp, lane = mine.thread.lane;
    if (!(mask >> lane & 1)) fail(site, "lane %u calls a warp function with a mask that leaves it out", lane);
    const unsigned set = mine.exchanges++ & 1;
    if (size) memcpy(s.slots[set][mine.thread.linear].bytes, value, size);
    mine.state = State::in_warp;
    mine.mask = mask;
    mine.site = site;
    s.in_warp[warp] |= 1u << lane;
    // The last lane lets the others go on at once, if they are the whole warp. Of parts of a warp, one could write its next
    // but one value before another has read the first, so these go on only when nobody else can.
    const unsigned all = lanes_of(warp);
    if (s.in_warp[warp] == all && (mask & all) == all && is_complete(warp, mine, all)) release_lanes(warp, all);
#if EMULATOR_THREAD
    __tsan_release(&s.warp[set][warp]);
#endif
    wait(mine);
#if EMULATOR_THREAD
    __tsan_acquire(&s.warp[set][warp]);
#endif
    *present = mask & lanes_of(warp);
    return s.slots[set] + warp * 32;
}

void fail(const char* site, const char* format, ...) {
    char text[400];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    describe_failure(site, text);
    become_host();
    go_on_with(&scheduler().host);
    abort();
}

bool run(const Kernel& kernel, dim3 grid, dim3 block, size_t dynamic_shared, void** arguments, std::string& failure) {
    static std::mutex one_launch;
    std::lock_guard<std::mutex> guard(one_launch);
    if (!the_scheduler) the_scheduler = new Scheduler;
    Scheduler& s = scheduler();
    s.kernel = &kernel;
    s.arguments = arguments;
    s.failed = false;
    s.host.host = true;
    prepare(block);

    void* shared = nullptr;
    if (dynamic_shared && posix_memalign(&shared, 1024, dynamic_shared) != 0) {
        failure = "no memory for dynamic shared memory";
        return false;
    }
    current_block.grid = grid;
    current_block.size = block;
    current_block.dynamic_shared = static_cast<unsigned char*>(shared);

    // What a block must not rely on: that those before it, by number, have run.
    const char* order = getenv("WENGERT_EMULATOR_BLOCKS");
    const bool reversed = order && !strcmp(order, "reversed");
    report_crashes();
    current_kernel = &kernel;
    const uint64_t blocks = uint64_t{grid.x} * grid.y * grid.z;
    for (uint64_t i = 0; i < blocks && !s.failed; ++i) {
        const uint64_t number = reversed ? blocks - 1 - i : i;
        const uint64_t row = number / grid.x;
        current_block.index = {unsigned(number % grid.x), unsigned(row % grid.y), unsigned(row / grid.y)};
        // Shared memory begins as garbage, here as NaN.
        if (shared) memset(shared, 0xff, dynamic_shared);
        run_block();
    }
    current_kernel = nullptr;
    free(shared);
    if (s.failed) {
        failure = s.failure;
        abandon();
    }
    return !s.failed;
}

}  // namespace emulator
