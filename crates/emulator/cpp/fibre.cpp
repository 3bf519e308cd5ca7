#include "fibre.hpp"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#if defined(__x86_64__) && !defined(EMULATOR_PORTABLE)
#define EMULATOR_SWITCH_IN_ASSEMBLY 1
#else
#define EMULATOR_SWITCH_IN_ASSEMBLY 0
#include <ucontext.h>
#endif

namespace emulator {
namespace {

// Kernels keep small arrays; the sanitizers widen frames.
constexpr size_t stack_size = EMULATOR_ADDRESS || EMULATOR_THREAD ? 256 << 10 : 64 << 10;
constexpr size_t guard_size = 16 << 10;

#if EMULATOR_ADDRESS
Fibre* left;  // last

// Tells AddressSanitizer that the switch is done. It answers with the bounds of the stack that was left: how those of the
// calling thread are found.
void arrived(void* sanitizer_stack) {
    const void* bottom = nullptr;
    size_t size = 0;
    __sanitizer_finish_switch_fiber(sanitizer_stack, &bottom, &size);
    if (!left->host) return;
    left->stack = const_cast<char*>(static_cast<const char*>(bottom));
    left->size = size;
}
#endif

}  // namespace

#if EMULATOR_SWITCH_IN_ASSEMBLY
// The registers that a called function must preserve go onto the stack that is left; `swapcontext` would also make a
// system call each time, which costs ten times the switch.
extern "C" __attribute__((visibility("hidden"))) void wengert_emulator_switch(void** save, void* load);
extern "C" __attribute__((visibility("hidden"))) void wengert_emulator_enter();
asm(R"(
.text
.type wengert_emulator_switch,@function
wengert_emulator_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size wengert_emulator_switch, .-wengert_emulator_switch
.type wengert_emulator_enter,@function
wengert_emulator_enter:
    call *%rbx
    ud2
.size wengert_emulator_enter, .-wengert_emulator_enter
)");

void restart(Fibre& fibre, void (*body)()) {
#if EMULATOR_ADDRESS
    __asan_unpoison_memory_region(fibre.stack, fibre.size);
    fibre.sanitizer_stack = nullptr;
#endif
    // What the first switch pops: r15, r14, r13, r12, rbx, rbp and the address to return to.
    void** top = reinterpret_cast<void**>(fibre.stack + fibre.size);
    *--top = nullptr;
    *--top = nullptr;  // two, since a stack pointer must be a multiple of 16 before a call
    *--top = reinterpret_cast<void*>(&wengert_emulator_enter);
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(body);
    for (int i = 0; i < 4; ++i) *--top = nullptr;
    fibre.stack_pointer = top;
}

static void switch_stacks(Fibre& from, Fibre& to) { wengert_emulator_switch(&from.stack_pointer, to.stack_pointer); }
#else
void restart(Fibre& fibre, void (*body)()) {
#if EMULATOR_ADDRESS
    __asan_unpoison_memory_region(fibre.stack, fibre.size);
    fibre.sanitizer_stack = nullptr;
#endif
    delete static_cast<ucontext_t*>(fibre.stack_pointer);
    auto* context = new ucontext_t;
    getcontext(context);
    context->uc_stack.ss_sp = fibre.stack;
    context->uc_stack.ss_size = fibre.size;
    context->uc_link = nullptr;
    makecontext(context, body, 0);
    fibre.stack_pointer = context;
}

static void switch_stacks(Fibre& from, Fibre& to) {
    if (!from.stack_pointer) from.stack_pointer = new ucontext_t;
    swapcontext(static_cast<ucontext_t*>(from.stack_pointer), static_cast<ucontext_t*>(to.stack_pointer));
}
#endif

Fibre* new_fibre(void (*body)()) {
    // Tops at the same offset of a page would share the sets of the cache, and all stacks are used at their tops.
    static unsigned made = 0;
    const size_t colour = made++ % 61 * 320;
    void* memory = mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, guard_size, PROT_NONE) != 0) {
        fprintf(stderr, "emulator: no memory for the stacks of a block\n");
        abort();
    }
    auto* fibre = new Fibre;
    fibre->stack = static_cast<char*>(memory) + guard_size;
    fibre->size = (stack_size - colour) & ~size_t{63};
    restart(*fibre, body);
    return fibre;
}

void entered() {
#if EMULATOR_ADDRESS
    arrived(nullptr);
#endif
}

void switch_fibre(Fibre& from, Fibre& to) {
#if EMULATOR_ADDRESS
    left = &from;
    __sanitizer_start_switch_fiber(&from.sanitizer_stack, to.stack, to.size);
#endif
    switch_stacks(from, to);
#if EMULATOR_ADDRESS
    arrived(from.sanitizer_stack);
#endif
}

}  // namespace emulator
