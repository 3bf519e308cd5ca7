// A kernel of the library. Each translation unit registers its own while the library is loaded. The builder puts this
// header before every kernel file, so it includes little.
#pragma once
#include <utility>

#include "device.hpp"

namespace emulator {

struct Parameter {
    size_t offset, size;
};

struct Kernel {
    const char* name;
    const char* unit;      // the file it stands in, without folder and extension
    unsigned max_threads;  // of its __launch_bounds__
    void (*call)(void** arguments);
    const Parameter* parameters;
    size_t parameter_count;
    size_t max_dynamic_shared;  // until an attribute of the function raises it
    Kernel* next;
};

void register_kernel(Kernel& kernel);

template <class Function, Function* function>
struct Adapter;

// The parameters and their sizes come from the kernel's type, so a changed signature needs no second declaration.
template <class... Arguments, void (*function)(Arguments...)>
struct Adapter<void(Arguments...), function> {
    template <size_t... index>
    static void call_with(void** arguments, std::index_sequence<index...>) {
        (void)arguments;  // unused by a kernel without parameters
        function(*static_cast<Arguments*>(arguments[index])...);
    }
    static void call(void** arguments) { call_with(arguments, std::index_sequence_for<Arguments...>{}); }

    struct Layout {
        Parameter parameters[sizeof...(Arguments) + 1] = {};
        constexpr Layout() {
            const size_t sizes[] = {sizeof(Arguments)..., 0}, alignments[] = {alignof(Arguments)..., 1};
            size_t end = 0;
            for (size_t i = 0; i < sizeof...(Arguments); ++i) {
                const size_t offset = (end + alignments[i] - 1) / alignments[i] * alignments[i];
                parameters[i] = {offset, sizes[i]};
                end = offset + sizes[i];
            }
        }
    };
    static constexpr Layout layout{};
    static constexpr size_t count = sizeof...(Arguments);
};

template <class Function, Function* function>
struct Registration {
    Registration(const char* name, const char* unit, unsigned max_threads) {
        using Call = Adapter<Function, function>;
        static Kernel kernel{name, unit, max_threads, &Call::call, Call::layout.parameters, Call::count, 48 << 10, nullptr};
        register_kernel(kernel);
    }
};

}  // namespace emulator
