// A stand-in for NVRTC, the run-time compiler. The kernels are compiled already, so a program's "PTX" is its name: enough
// for the stand-in driver to find them, and for the backend's path through compiler and disk cache to run as it is.
#include <cstdlib>
#include <cstring>
#include <string>

#define NVRTC_API extern "C" __attribute__((visibility("default")))

enum Result : int { success = 0, invalid_input = 3, invalid_program = 4, compilation = 6 };

namespace {
struct Program {
    std::string name, log;
};

Result text_size(Program* program, size_t* size, const std::string Program::* text) {
    if (!program || !size) return invalid_program;
    *size = (program->*text).size() + 1;
    return success;
}

Result copy_text(Program* program, char* to, const std::string Program::* text) {
    if (!program || !to) return invalid_program;
    memcpy(to, (program->*text).c_str(), (program->*text).size() + 1);
    return success;
}
}  // namespace

// A version that no real compiler has, so that what this one makes never passes for machine code in a cache of kernels.
NVRTC_API Result nvrtcVersion(int* major, int* minor) {
    return *major = 13, *minor = 999, success;
}

NVRTC_API Result nvrtcCreateProgram(Program** program, const char* source, const char* name, int headers,
                                    const char* const* texts, const char* const* names) {
    if (!program || !source || headers < 0 || (headers && (!texts || !names))) return invalid_input;
    *program = new Program{name && *name ? name : "default_program", ""};
    return success;
}
NVRTC_API Result nvrtcDestroyProgram(Program** program) {
    if (!program) return invalid_program;
    delete *program;
    *program = nullptr;
    return success;
}
// WENGERT_EMULATOR_COMPILE=fail shows what the backend does with a compiler that refuses.
NVRTC_API Result nvrtcCompileProgram(Program* program, int, const char* const*) {
    if (!program) return invalid_program;
    const char* wanted = getenv("WENGERT_EMULATOR_COMPILE");
    if (!wanted || strcmp(wanted, "fail") != 0) return success;
    program->log = program->name + "(1): error: the emulator was told to fail\n";
    return compilation;
}
NVRTC_API Result nvrtcGetPTXSize(Program* program, size_t* size) { return text_size(program, size, &Program::name); }
NVRTC_API Result nvrtcGetPTX(Program* program, char* to) { return copy_text(program, to, &Program::name); }
NVRTC_API Result nvrtcGetCUBINSize(Program* program, size_t* size) { return text_size(program, size, &Program::name); }
NVRTC_API Result nvrtcGetCUBIN(Program* program, char* to) { return copy_text(program, to, &Program::name); }
NVRTC_API Result nvrtcGetProgramLogSize(Program* program, size_t* size) { return text_size(program, size, &Program::log); }
NVRTC_API Result nvrtcGetProgramLog(Program* program, char* to) { return copy_text(program, to, &Program::log); }
NVRTC_API const char* nvrtcGetErrorString(int code) {
    switch (code) {
        case success: return "NVRTC_SUCCESS";
        case invalid_input: return "NVRTC_ERROR_INVALID_INPUT";
        case invalid_program: return "NVRTC_ERROR_INVALID_PROGRAM";
        case compilation: return "NVRTC_ERROR_COMPILATION";
        default: return "NVRTC_ERROR unknown";
    }
}
