// Streams, events, and graphs: a capture keeps the work as closures, a launch of the graph runs them.
#include "driver.hpp"

using namespace driver;

namespace {

Stream default_stream;
// The capture that this thread has begun. Captures of the mode "global" would forbid other threads the same calls; this
// project captures in the mode "thread local".
thread_local Stream* captured_here;

}  // namespace

Stream& driver::stream(void* handle) {
    const auto number = reinterpret_cast<size_t>(handle);  // 0, 1 and 2 are names of the default stream
    return number < 16 ? default_stream : *static_cast<Stream*>(handle);
}

Result driver::submit(void* handle, std::function<Result()> work) {
    Stream& s = stream(handle);
    switch (s.capture) {
        case Stream::Capture::none: return work();
        case Stream::Capture::active: return s.graph.steps.push_back(std::move(work)), success;
        default: return capture_invalidated;
    }
}

Result driver::refuse_in_capture(const char* what, void* handle) {
    Stream* spoiled = stream(handle).capture != Stream::Capture::none ? &stream(handle) : captured_here;
    if (!spoiled) return success;
    if (spoiled->capture == Stream::Capture::active) report("%s inside a capture", what);
    spoiled->capture = Stream::Capture::invalidated;
    return capture_unsupported;
}

DRIVER_API cuStreamCreate(void** handle, unsigned) { return *handle = new Stream, success; }
DRIVER_API cuStreamCreateWithPriority(void** handle, unsigned, int) { return *handle = new Stream, success; }
DRIVER_API cuStreamDestroy_v2(void* handle) {
    Stream* s = &stream(handle);
    if (captured_here == s) captured_here = nullptr;
    if (s != &default_stream) delete s;
    return success;
}
DRIVER_API cuStreamSynchronize(void* handle) { return refuse_in_capture("synchronising a stream", handle); }
DRIVER_API cuStreamQuery(void* handle) { return refuse_in_capture("a query of a stream", handle); }
DRIVER_API cuStreamWaitEvent(void* handle, void*, unsigned) {
    return stream(handle).capture == Stream::Capture::invalidated ? capture_invalidated : success;
}
DRIVER_API cuStreamBeginCapture_v2(void* handle, int) {
    Stream& s = stream(handle);
    if (&s == &default_stream) return capture_unsupported;
    if (s.capture != Stream::Capture::none || captured_here) return invalid_value;
    s.capture = Stream::Capture::active;
    s.graph.steps.clear();
    captured_here = &s;
    return success;
}
DRIVER_API cuStreamEndCapture(void* handle, void** graph) {
    Stream& s = stream(handle);
    *graph = nullptr;
    if (s.capture == Stream::Capture::none || captured_here != &s) return capture_unmatched;
    const bool whole = s.capture == Stream::Capture::active;
    s.capture = Stream::Capture::none;
    captured_here = nullptr;
    if (!whole) return capture_invalidated;
    *graph = new Graph{std::move(s.graph)};
    return success;
}
DRIVER_API cuStreamIsCapturing(void* handle, int* status) { return *status = (int)stream(handle).capture, success; }

DRIVER_API cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    *executable = new Graph(*static_cast<Graph*>(graph));
    return success;
}
DRIVER_API cuGraphUpload(void*, void*) { return success; }
DRIVER_API cuGraphLaunch(void* executable, void* handle) {
    if (stream(handle).capture != Stream::Capture::none) return refuse_in_capture("a launch of a graph", handle);
    for (const auto& step : static_cast<Graph*>(executable)->steps)
        if (Result failure = step()) return failure;
    return success;
}
DRIVER_API cuGraphDestroy(void* graph) { return delete static_cast<Graph*>(graph), success; }
DRIVER_API cuGraphExecDestroy(void* executable) { return delete static_cast<Graph*>(executable), success; }
DRIVER_API cuGraphGetNodes(void* graph, void** nodes, size_t* count) {
    if (!nodes) *count = static_cast<Graph*>(graph)->steps.size();
    return nodes ? not_supported : success;
}

DRIVER_API cuEventCreate(void** event, unsigned) { return *event = new Event, success; }
DRIVER_API cuEventDestroy_v2(void* event) { return delete static_cast<Event*>(event), success; }
DRIVER_API cuEventRecord(void* event, void* handle) {
    return submit(handle, [=] {
        static_cast<Event*>(event)->time = std::chrono::steady_clock::now();
        static_cast<Event*>(event)->recorded = true;
        return success;
    });
}
DRIVER_API cuEventSynchronize(void*) { return refuse_in_capture("synchronising an event", nullptr); }
DRIVER_API cuEventQuery(void*) { return refuse_in_capture("a query of an event", nullptr); }
DRIVER_API cuEventElapsedTime_v2(float* milliseconds, void* begin, void* end) {
    const auto *b = static_cast<Event*>(begin), *e = static_cast<Event*>(end);
    if (!b->recorded || !e->recorded) return invalid_handle;
    *milliseconds = std::chrono::duration<float, std::milli>(e->time - b->time).count();
    return success;
}
DRIVER_API cuLaunchHostFunc(void* handle, void (*function)(void*), void* data) {
    return submit(handle, [=] { return function(data), success; });
}
