// Modules, functions and launches.
#include <cstring>
#include <memory>

#include "driver.hpp"

using namespace driver;
using emulator::Kernel;

namespace {

constexpr size_t most_dynamic_shared = 227 << 10;

// The image of a module is the name of a program, as the stand-in compiler made it. If that is the name of a source file
// the module has that file's kernels; else it has all of them.
struct Module {
    std::string unit;
};

std::string unit_of(const char* image) {
    std::string name(image, strnlen(image, 256));
    if (size_t slash = name.rfind('/'); slash != std::string::npos) name.erase(0, slash + 1);
    if (size_t dot = name.rfind('.'); dot != std::string::npos) name.erase(dot);
    for (const Kernel* kernel = emulator::first_kernel(); kernel; kernel = kernel->next)
        if (name == kernel->unit) return name;
    return "";
}

Result check_launch(const Kernel& kernel, dim3 grid, dim3 block, size_t dynamic_shared) {
    const char* fault = nullptr;
    const unsigned long long threads = 1ull * block.x * block.y * block.z;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0) fault = "an empty grid";
    else if (grid.x > 2147483647u) fault = "a grid of more than 2147483647 blocks in x";
    else if (grid.y > 65535 || grid.z > 65535) fault = "a grid of more than 65535 blocks in y or z";
    else if (block.x > 1024 || block.y > 1024 || block.z > 64 || threads > 1024) fault = "a block of more than 1024 threads, or 64 in z";
    else if (threads == 0) fault = "an empty block";
    else if (threads > kernel.max_threads) fault = "more threads in a block than its __launch_bounds__";
    else if (dynamic_shared > kernel.max_dynamic_shared) fault = "more dynamic shared memory than 48 KiB or what the function's attribute allows";
    if (!fault) return success;
    report("%s: a launch of grid (%u,%u,%u), block (%u,%u,%u), %zu bytes of shared memory has %s", kernel.name, grid.x,
           grid.y, grid.z, block.x, block.y, block.z, dynamic_shared, fault);
    return invalid_value;
}

}  // namespace

DRIVER_API cuModuleLoadData(void** handle, const void* image) {
    if (!image) return invalid_value;
    // Machine code of a GPU, as nvcc packs it, does not run here: the backend is to take what the stand-in compiler makes.
    if (!strncmp(static_cast<const char*>(image), "\x50\xed\x55\xba", 4)) return invalid_image;
    *handle = new Module{unit_of(static_cast<const char*>(image))};
    return success;
}
DRIVER_API cuModuleLoadDataEx(void** handle, const void* image, unsigned, int*, void**) { return cuModuleLoadData(handle, image); }
DRIVER_API cuModuleUnload(void* handle) { return delete static_cast<Module*>(handle), success; }
DRIVER_API cuModuleGetFunction(void** function, void* handle, const char* name) {
    const std::string& unit = static_cast<Module*>(handle)->unit;
    for (Kernel* kernel = emulator::first_kernel(); kernel; kernel = kernel->next)
        if (!strcmp(kernel->name, name) && (unit.empty() || unit == kernel->unit)) return *function = kernel, success;
    return not_found;
}
DRIVER_API cuModuleGetFunctionCount(unsigned* count, void* handle) {
    const std::string& unit = static_cast<Module*>(handle)->unit;
    *count = 0;
    for (const Kernel* kernel = emulator::first_kernel(); kernel; kernel = kernel->next) *count += unit.empty() || unit == kernel->unit;
    return success;
}

DRIVER_API cuFuncGetName(const char** name, void* function) { return *name = static_cast<Kernel*>(function)->name, success; }
DRIVER_API cuFuncGetParamInfo(void* function, size_t index, size_t* offset, size_t* size) {
    const Kernel& kernel = *static_cast<Kernel*>(function);
    if (index >= kernel.parameter_count) return invalid_value;
    if (offset) *offset = kernel.parameters[index].offset;
    if (size) *size = kernel.parameters[index].size;
    return success;
}
DRIVER_API cuFuncGetAttribute(int* value, int attribute, void* function) {
    const Kernel& kernel = *static_cast<Kernel*>(function);
    switch (attribute) {
        case 0: *value = (int)kernel.max_threads; break;         // MAX_THREADS_PER_BLOCK
        case 4: *value = 32; break;                              // NUM_REGS
        case 8: *value = (int)kernel.max_dynamic_shared; break;  // MAX_DYNAMIC_SHARED_SIZE_BYTES
        default: *value = 0; break;
    }
    return success;
}
DRIVER_API cuFuncSetAttribute(void* function, int attribute, int value) {
    if (attribute != 8) return success;
    if (value < 0 || (size_t)value > most_dynamic_shared) return invalid_value;
    static_cast<Kernel*>(function)->max_dynamic_shared = (size_t)value;
    return success;
}
DRIVER_API cuFuncSetCacheConfig(void*, int) { return success; }
DRIVER_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void*, int block_size, size_t, unsigned) {
    *blocks = block_size > 0 ? 2048 / block_size : 0;
    return success;
}
DRIVER_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int block_size, size_t dynamic_shared) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, block_size, dynamic_shared, 0);
}

DRIVER_API cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                          unsigned block_y, unsigned block_z, unsigned dynamic_shared, void* stream, void** arguments,
                          void** extra) {
    const Kernel& kernel = *static_cast<Kernel*>(function);
    const dim3 grid(grid_x, grid_y, grid_z), block(block_x, block_y, block_z);
    if (Result failure = check_launch(kernel, grid, block, dynamic_shared)) return failure;
    if (extra || (!arguments && kernel.parameter_count)) return invalid_value;

    // Parameters are copied at the launch: a graph replays their values of then. Each at a multiple of 16 bytes.
    size_t size = 0;
    for (size_t i = 0; i < kernel.parameter_count; ++i) size += (kernel.parameters[i].size + 15) / 16 * 16;
    std::shared_ptr<unsigned char> values(new (std::align_val_t(16)) unsigned char[size + 16],
                                          [](unsigned char* memory) { operator delete[](memory, std::align_val_t(16)); });
    std::vector<void*> places;
    unsigned char* end = values.get();
    for (size_t i = 0; i < kernel.parameter_count; ++i) {
        memcpy(end, arguments[i], kernel.parameters[i].size);
        places.push_back(end);
        end += (kernel.parameters[i].size + 15) / 16 * 16;
    }
    return submit(stream, [&kernel, grid, block, dynamic_shared, values, places]() mutable {
        std::string failure;
        if (emulator::run(kernel, grid, block, dynamic_shared, places.data(), failure)) return success;
        report("%s", failure.c_str());
        return launch_failed;
    });
}
