#include "crash.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "fibre.hpp"

namespace emulator {
namespace {

struct sigaction before[2];
constexpr int signals[2] = {SIGSEGV, SIGBUS};

// The signal comes again once this has returned, and goes where it would have gone without us.
void report(int signal, siginfo_t* information, void*) {
    for (int i = 0; i < 2; ++i) sigaction(signals[i], &before[i], nullptr);
    if (!current_kernel) return;
    char text[400];
    const uint3 b = current_block.index, t = current_thread->index;
    const int length = snprintf(text, sizeof text,
                                "emulator: %s, block (%u,%u,%u), thread (%u,%u,%u): signal %d at address %p, which is not "
                                "mapped, or misaligned, or beyond the thread's stack\n",
                                current_kernel->name, b.x, b.y, b.z, t.x, t.y, t.z, signal, information->si_addr);
    if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0) _exit(1);
}

}  // namespace

void report_crashes() {
    static bool reporting = false;
    // AddressSanitizer has a report of its own, with the source line.
    if (reporting || EMULATOR_ADDRESS) return;
    reporting = true;
    struct sigaction action = {};
    action.sa_sigaction = &report;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;  // a fibre's own stack may be what has run out
    for (int i = 0; i < 2; ++i) sigaction(signals[i], &action, &before[i]);
}

}  // namespace emulator
