// What the parts of the stand-in driver share: result codes, memory, streams and captures.
// Names and numbers are those of the CUDA driver API, https://docs.nvidia.com/cuda/cuda-driver-api/.
#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "launch.hpp"

#define DRIVER_API extern "C" __attribute__((visibility("default"))) Result

enum Result : int {
    success = 0,
    invalid_value = 1,
    out_of_memory = 2,
    not_initialized = 3,
    no_device = 100,
    invalid_device = 101,
    invalid_image = 200,
    invalid_context = 201,
    invalid_handle = 400,
    not_found = 500,
    not_ready = 600,
    launch_failed = 719,
    not_supported = 801,
    capture_unsupported = 900,
    capture_invalidated = 901,
    capture_unmatched = 903,
};

using DevicePointer = unsigned long long;

namespace driver {

// One line on stderr: a driver's result code says little.
void report(const char* format, ...) __attribute__((format(printf, 1, 2)));
// A number from the environment, or what holds without it.
long setting(const char* name, long otherwise);

struct Graph {
    std::vector<std::function<Result()>> steps;
};

struct Stream {
    enum class Capture { none = 0, active = 1, invalidated = 2 };
    Capture capture = Capture::none;
    Graph graph;
};

struct Event {
    std::chrono::steady_clock::time_point time;
    bool recorded = false;
};

// All work happens at once and in the order of the calls, whatever the stream: a legal order, though not the only one.
Stream& stream(void* handle);
// Does the work, or keeps it if the stream is being captured.
Result submit(void* stream, std::function<Result()> work);
// Refuses what a capture cannot hold and spoils the capture, as the real driver does; for calls on another stream, and for
// allocations in stream order, it is stricter, since what a graph of this project needs is there before it is captured.
// `stream` may be null for a call that concerns no stream, but still the thread that captures.
Result refuse_in_capture(const char* what, void* stream);


// Whether `size` bytes from `place` lie in one live allocation; reports if not.
Result check_bounds(const char* what, DevicePointer place, size_t size);

}  // namespace driver
