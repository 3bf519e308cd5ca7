// Device memory: ordinary memory that begins as NaN, with every copy held against the live allocations.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>

#include "driver.hpp"

using namespace driver;

namespace {

std::mutex lock;
size_t in_use;
char pool;  // its address is the handle of the one memory pool
uint64_t release_threshold;

// Start and size of what is allocated. Never destroyed: memory may be freed while the process ends.
std::map<DevicePointer, size_t>& allocations() {
    static auto& all = *new std::map<DevicePointer, size_t>;
    return all;
}

size_t total() { return (size_t)setting("WENGERT_EMULATOR_MEMORY", 4096) << 20; }

Result allocate(DevicePointer* place, size_t size) {
    if (size == 0) return invalid_value;
    std::lock_guard<std::mutex> guard(lock);
    void* memory = nullptr;
    if (size > total() || in_use > total() - size || posix_memalign(&memory, 256, size) != 0) return out_of_memory;
    memset(memory, 0xff, size);  // NaN as any float: what is read before it is written shows in the results
    *place = (DevicePointer)memory;
    allocations()[*place] = size;
    in_use += size;
    return success;
}

Result release(DevicePointer place) {
    if (place == 0) return success;
    std::lock_guard<std::mutex> guard(lock);
    auto found = allocations().find(place);
    if (found == allocations().end()) {
        report("free of 0x%llx, which is no allocation", place);
        return invalid_value;
    }
    // A graph that outlives its buffers is caught by what it computes, or by AddressSanitizer.
    memset((void*)place, 0xff, found->second);
    in_use -= found->second;
    allocations().erase(found);
    free((void*)place);
    return success;
}

template <class Element>
Result fill(DevicePointer place, Element value, size_t count) {
    if (Result failure = check_bounds("memset", place, count * sizeof(Element))) return failure;
    auto* elements = (Element*)place;
    for (size_t i = 0; i < count; ++i) elements[i] = value;
    return success;
}

Result copy(const char* what, void* to, const void* from, size_t size, bool to_device, bool from_device) {
    if (to_device)
        if (Result failure = check_bounds(what, (DevicePointer)to, size)) return failure;
    if (from_device)
        if (Result failure = check_bounds(what, (DevicePointer)from, size)) return failure;
    if (size) memmove(to, from, size);
    return success;
}

}  // namespace

Result driver::check_bounds(const char* what, DevicePointer place, size_t size) {
    if (size == 0) return success;
    std::lock_guard<std::mutex> guard(lock);
    auto next = allocations().upper_bound(place);
    if (next != allocations().begin()) {
        auto [start, length] = *--next;
        if (place - start <= length && size <= length - (place - start)) return success;
        if (place - start < length) {
            report("%s of %zu bytes at byte %llu of an allocation of %zu bytes", what, size, place - start, length);
            return invalid_value;
        }
    }
    report("%s of %zu bytes at 0x%llx, which is no device memory", what, size, place);
    return invalid_value;
}

DRIVER_API cuMemAlloc_v2(DevicePointer* place, size_t size) {
    if (Result refused = refuse_in_capture("an allocation", nullptr)) return refused;
    return allocate(place, size);
}
DRIVER_API cuMemFree_v2(DevicePointer place) {
    if (Result refused = refuse_in_capture("a free", nullptr)) return refused;
    return release(place);
}
// The real driver would record these in the graph; this project's graphs own their memory before they are captured.
DRIVER_API cuMemAllocAsync(DevicePointer* place, size_t size, void* stream) {
    if (Result refused = refuse_in_capture("an allocation", stream)) return refused;
    return allocate(place, size);
}
DRIVER_API cuMemAllocFromPoolAsync(DevicePointer* place, size_t size, void*, void* stream) {
    return cuMemAllocAsync(place, size, stream);
}
DRIVER_API cuMemFreeAsync(DevicePointer place, void* stream) {
    if (Result refused = refuse_in_capture("a free", stream)) return refused;
    return release(place);
}
DRIVER_API cuMemGetInfo_v2(size_t* available, size_t* all) {
    std::lock_guard<std::mutex> guard(lock);
    *all = total();
    *available = *all > in_use ? *all - in_use : 0;
    return success;
}
DRIVER_API cuMemHostAlloc(void** memory, size_t size, unsigned) {
    return posix_memalign(memory, 4096, size) == 0 ? success : out_of_memory;
}
DRIVER_API cuMemFreeHost(void* memory) {
    free(memory);
    return success;
}

DRIVER_API cuDeviceGetDefaultMemPool(void** handle, int) { return *handle = &pool, success; }
DRIVER_API cuDeviceGetMemPool(void** handle, int) { return *handle = &pool, success; }
DRIVER_API cuMemPoolTrimTo(void*, size_t) { return success; }
DRIVER_API cuMemPoolSetAttribute(void*, int attribute, void* value) {
    if (attribute == 4) memcpy(&release_threshold, value, sizeof release_threshold);  // RELEASE_THRESHOLD
    return success;
}
DRIVER_API cuMemPoolGetAttribute(void*, int attribute, void* value) {
    std::lock_guard<std::mutex> guard(lock);
    uint64_t answer = attribute == 4 ? release_threshold : in_use;  // 5 to 8: reserved and used bytes
    memcpy(value, &answer, attribute < 4 ? 4 : 8);
    return success;
}

DRIVER_API cuMemsetD8Async(DevicePointer place, unsigned char value, size_t count, void* stream) {
    return submit(stream, [=] { return fill(place, value, count); });
}
DRIVER_API cuMemsetD32Async(DevicePointer place, unsigned value, size_t count, void* stream) {
    return submit(stream, [=] { return fill(place, value, count); });
}
DRIVER_API cuMemsetD8_v2(DevicePointer place, unsigned char value, size_t count) {
    if (Result refused = refuse_in_capture("a memset of the default stream", nullptr)) return refused;
    return fill(place, value, count);
}
DRIVER_API cuMemsetD32_v2(DevicePointer place, unsigned value, size_t count) {
    if (Result refused = refuse_in_capture("a memset of the default stream", nullptr)) return refused;
    return fill(place, value, count);
}

DRIVER_API cuMemcpyHtoD_v2(DevicePointer to, const void* from, size_t size) {
    if (Result refused = refuse_in_capture("a copy from the host", nullptr)) return refused;
    return copy("copy from the host", (void*)to, from, size, true, false);
}
DRIVER_API cuMemcpyDtoH_v2(void* to, DevicePointer from, size_t size) {
    if (Result refused = refuse_in_capture("a copy to the host", nullptr)) return refused;
    return copy("copy to the host", to, (const void*)from, size, false, true);
}
DRIVER_API cuMemcpyDtoD_v2(DevicePointer to, DevicePointer from, size_t size) {
    if (Result refused = refuse_in_capture("a copy of the default stream", nullptr)) return refused;
    return copy("copy on the device", (void*)to, (const void*)from, size, true, true);
}
// Memory that is not pinned cannot be copied inside a graph, and a graph would read the host's memory at each replay.
DRIVER_API cuMemcpyHtoDAsync_v2(DevicePointer to, const void* from, size_t size, void* stream) {
    if (Result refused = refuse_in_capture("a copy from the host", stream)) return refused;
    return copy("copy from the host", (void*)to, from, size, true, false);
}
DRIVER_API cuMemcpyDtoHAsync_v2(void* to, DevicePointer from, size_t size, void* stream) {
    if (Result refused = refuse_in_capture("a copy to the host", stream)) return refused;
    return copy("copy to the host", to, (const void*)from, size, false, true);
}
DRIVER_API cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t size, void* stream) {
    return submit(stream, [=] { return copy("copy on the device", (void*)to, (const void*)from, size, true, true); });
}
