// Devices, contexts, errors.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "driver.hpp"

using namespace driver;

namespace {

constexpr int most_devices = 64;
char contexts[most_devices];  // their addresses are the handles
thread_local void* current_context;
bool initialised;

int devices() {
    const long count = setting("WENGERT_EMULATOR_DEVICES", 1);
    return count < 0 ? 0 : count > most_devices ? most_devices : (int)count;
}

Result check_device(int device) {
    if (!initialised) return not_initialized;
    return device >= 0 && device < devices() ? success : invalid_device;
}

const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {success, "CUDA_SUCCESS", "no error"},
    {invalid_value, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {not_initialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {no_device, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {invalid_device, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {invalid_image, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {invalid_context, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {invalid_handle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {not_found, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {not_ready, "CUDA_ERROR_NOT_READY", "device not ready"},
    {launch_failed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {not_supported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {capture_unsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {capture_invalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {capture_unmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "operation failed because the capture was not begun here"},
};

}  // namespace

void driver::report(const char* format, ...) {
    char text[600];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    fprintf(stderr, "emulator: %s\n", text);
}

long driver::setting(const char* name, long otherwise) {
    const char* text = getenv(name);
    return text && *text ? strtol(text, nullptr, 10) : otherwise;
}

DRIVER_API cuInit(unsigned) {
    if (devices() == 0) return no_device;
    initialised = true;
    return success;
}
DRIVER_API cuDriverGetVersion(int* version) {
    *version = (int)setting("WENGERT_EMULATOR_DRIVER", 13000);
    return success;
}
DRIVER_API cuDeviceGetCount(int* count) {
    *count = devices();
    return initialised ? success : not_initialized;
}
DRIVER_API cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return check_device(ordinal);
}
DRIVER_API cuDeviceGetName(char* name, int length, int device) {
    snprintf(name, (size_t)length, "CUDA on the host (emulated)");
    return check_device(device);
}
DRIVER_API cuDeviceGetUuid_v2(void* uuid, int device) {
    memset(uuid, 0, 16);
    static_cast<char*>(uuid)[15] = (char)device;
    return check_device(device);
}
DRIVER_API cuDeviceTotalMem_v2(size_t* bytes, int device) {
    *bytes = (size_t)setting("WENGERT_EMULATOR_MEMORY", 4096) << 20;
    return check_device(device);
}
DRIVER_API cuDeviceGetAttribute(int* value, int attribute, int device) {
    switch (attribute) {
        case 1: *value = 1024; break;                      // MAX_THREADS_PER_BLOCK
        case 2: case 3: *value = 1024; break;              // MAX_BLOCK_DIM_X, Y
        case 4: *value = 64; break;                        // MAX_BLOCK_DIM_Z
        case 5: *value = 2147483647; break;                // MAX_GRID_DIM_X
        case 6: case 7: *value = 65535; break;             // MAX_GRID_DIM_Y, Z
        case 8: *value = 48 << 10; break;                  // MAX_SHARED_MEMORY_PER_BLOCK
        case 10: *value = 32; break;                       // WARP_SIZE
        case 12: case 82: *value = 65536; break;           // MAX_REGISTERS_PER_BLOCK, MULTIPROCESSOR
        case 13: case 36: *value = 1000000; break;         // CLOCK_RATE, MEMORY_CLOCK_RATE
        case 16: *value = 4; break;                        // MULTIPROCESSOR_COUNT: few, so that loops over a grid do turn
        case 37: *value = 256; break;                      // GLOBAL_MEMORY_BUS_WIDTH
        case 38: *value = 1 << 20; break;                  // L2_CACHE_SIZE
        case 39: *value = 2048; break;                     // MAX_THREADS_PER_MULTIPROCESSOR
        case 31: case 41: *value = 1; break;               // CONCURRENT_KERNELS, UNIFIED_ADDRESSING
        case 75: *value = 8; break;                        // COMPUTE_CAPABILITY_MAJOR
        case 76: *value = 0; break;                        // COMPUTE_CAPABILITY_MINOR
        case 81: *value = 228 << 10; break;                // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        case 97: *value = 227 << 10; break;                // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        case 106: *value = 32; break;                      // MAX_BLOCKS_PER_MULTIPROCESSOR
        case 115: *value = 1; break;                       // MEMORY_POOLS_SUPPORTED
        default: *value = 0; break;
    }
    return check_device(device);
}

DRIVER_API cuDevicePrimaryCtxRetain(void** context, int device) {
    if (Result failure = check_device(device)) return failure;
    *context = &contexts[device];
    return success;
}
DRIVER_API cuDevicePrimaryCtxRelease_v2(int device) { return check_device(device); }
DRIVER_API cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
    *flags = 0, *active = 1;
    return check_device(device);
}
DRIVER_API cuCtxSetCurrent(void* context) {
    current_context = context;
    return success;
}
DRIVER_API cuCtxGetCurrent(void** context) {
    *context = current_context;
    return success;
}
DRIVER_API cuCtxGetDevice(int* device) {
    if (!current_context) return invalid_context;
    *device = (int)(static_cast<char*>(current_context) - contexts);
    return success;
}
DRIVER_API cuCtxSynchronize() { return refuse_in_capture("synchronising the context", nullptr); }
DRIVER_API cuCtxSetFlags(unsigned) { return success; }
DRIVER_API cuCtxSetLimit(int, size_t) { return success; }
DRIVER_API cuCtxGetLimit(size_t* value, int) {
    *value = 0;
    return success;
}
DRIVER_API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    *least = 0, *greatest = -5;
    return success;
}
DRIVER_API cuCtxSetCacheConfig(int) { return success; }

DRIVER_API cuProfilerStart() { return success; }
DRIVER_API cuProfilerStop() { return success; }

DRIVER_API cuGetErrorName(int code, const char** name) {
    for (const auto& error : errors)
        if (error.code == code) return *name = error.name, success;
    return *name = nullptr, invalid_value;
}
DRIVER_API cuGetErrorString(int code, const char** text) {
    for (const auto& error : errors)
        if (error.code == code) return *text = error.text, success;
    return *text = nullptr, invalid_value;
}
