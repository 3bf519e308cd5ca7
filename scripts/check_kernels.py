"""Compiles the CUDA kernels with nvcc and NVRTC; see scripts/check-kernels.sh, which makes the environment for it."""

import ctypes
import hashlib
import json
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

KERNELS = Path("kernels")
RESULTS = Path("target/kernels")
TOOLKIT = Path(sysconfig.get_paths()["purelib"]) / "nvidia/cu13"
# The features of Hopper's tensor cores want an architecture of their own, with an "a".
ARCHITECTURES = ["80", "90a"]
NVCC = ["-std=c++17", "-O3", "-Werror", "all-warnings", "-Xptxas", "-v,-warn-spills"]
NVRTC = ["--std=c++17"]

USAGE = re.compile(
    r"entry function '(?P<kernel>\w+)'.*?(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads.*?Used (?P<registers>\d+) registers(?P<rest>[^\n]*)",
    re.DOTALL,
)


def key(file, architecture):
    """Names a result after all that it follows from."""
    state = hashlib.sha256(Path(__file__).read_bytes())
    for path in [file, *sorted(file.parent.glob("*.cuh")), *sorted(KERNELS.glob("*.cuh"))]:
        state.update(path.read_bytes())
    packages = Path("target/ci/cuda/packages")
    state.update(packages.read_bytes() if packages.exists() else b"")
    return f"{file.stem}-{architecture}-{state.hexdigest()[:16]}"


def nvcc(file, architecture):
    """Compiles to machine code; returns the usage of each kernel and what is wrong."""
    code = f"arch=compute_{architecture},code=sm_{architecture}"
    command = [TOOLKIT / "bin/nvcc", *NVCC, "-gencode", code, "-I", KERNELS, "-cubin", file, "-o", "/dev/null"]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    kernels, wrong = [], []
    for found in USAGE.finditer(run.stdout + run.stderr):
        shared = re.search(r"(\d+) bytes smem", found["rest"])
        usage = {name: int(found[name]) for name in ["registers", "stack", "stores", "loads"]}
        kernels.append({"kernel": found["kernel"], "shared": int(shared[1]) if shared else 0, **usage})
        if usage["stores"] + usage["loads"]:
            wrong.append(f"{found['kernel']} spills {usage['stores']} bytes and loads {usage['loads']}")
    if run.returncode:
        wrong.append("nvcc: " + run.stderr.strip())
    return kernels, wrong


def nvrtc(file, architecture):
    """Compiles as the program does at first use: no header but those it carries. Returns what is wrong."""
    library = TOOLKIT / "lib"
    ctypes.CDLL(str(library / "libnvrtc-builtins.so.13.0"), mode=ctypes.RTLD_GLOBAL)
    compiler = ctypes.CDLL(str(library / "libnvrtc.so.13"))

    def texts(values):
        return (ctypes.c_char_p * len(values))(*values)

    headers = sorted({*KERNELS.glob("*.cuh"), *file.parent.glob("*.cuh")})
    contents, names = texts([path.read_bytes() for path in headers]), texts([path.name.encode() for path in headers])
    program = ctypes.c_void_p()
    source, name = file.read_bytes(), file.name.encode()
    if compiler.nvrtcCreateProgram(ctypes.byref(program), source, name, len(headers), contents, names):
        return ["NVRTC refuses the program"]
    options = texts([option.encode() for option in [*NVRTC, f"--gpu-architecture=sm_{architecture}"]])
    code = compiler.nvrtcCompileProgram(program, len(options), options)
    size = ctypes.c_size_t()
    compiler.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    compiler.nvrtcGetProgramLog(program, log)
    compiler.nvrtcDestroyProgram(ctypes.byref(program))
    text = log.value.decode(errors="replace").strip()
    return [f"NVRTC: {text or f'error {code}'}"] if code or text else []


def check(job):
    """The usage of each kernel of a file and what is wrong, computed once for each content."""
    file, architecture = job
    result = RESULTS / f"{key(file, architecture)}.json"
    if result.exists():
        return json.loads(result.read_text())
    kernels, wrong = nvcc(file, architecture)
    wrong += nvrtc(file, architecture)
    found = {"kernels": kernels, "wrong": wrong}
    if not wrong:
        for old in RESULTS.glob(f"{file.stem}-{architecture}-*.json"):
            old.unlink()
        result.write_text(json.dumps(found))
    return found


def print_all(file, architecture, kernels):
    """A line for each kernel."""
    for kernel in kernels:
        print(
            f"{file.stem:<18} sm_{architecture:<3} {kernel['kernel']:<44} {kernel['registers']:>9} "
            f"{kernel['shared']:>7} {kernel['stack']:>6} {kernel['stores'] + kernel['loads']:>8}"
        )


def print_most(file, architecture, kernels):
    """A line for all the kernels of a file."""
    most = {name: max((kernel[name] for kernel in kernels), default=0) for name in ["registers", "shared", "stack"]}
    spilling = sum(kernel["stores"] + kernel["loads"] > 0 for kernel in kernels)
    print(
        f"{file.stem:<18} sm_{architecture:<3} {len(kernels):>7} {most['registers']:>9} {most['shared']:>7} "
        f"{most['stack']:>6} {spilling:>8}"
    )


def main():
    names = [name for name in sys.argv[1:] if name != "--all"]
    every = "--all" in sys.argv
    files = [Path(name) for name in names] or sorted(KERNELS.glob("*.cu"))
    RESULTS.mkdir(parents=True, exist_ok=True)
    jobs = [(file, architecture) for file in files for architecture in ARCHITECTURES]
    failed = False
    # Of a file the most that any of its kernels has, and how many of them spill; with --all each kernel's own.
    kernel = f"{'kernel':<44}" if every else f"{'kernels':>7}"
    print(f"{'file':<18} {'':<6} {kernel} {'registers':>9} {'shared':>7} {'stack':>6} {'spill':>8}")
    with ProcessPoolExecutor(2) as pool:
        for (file, architecture), found in zip(jobs, pool.map(check, jobs)):
            (print_all if every else print_most)(file, architecture, found["kernels"])
            sys.stdout.flush()
            for wrong in found["wrong"]:
                failed = True
                print(f"check-kernels: {file} for sm_{architecture}: {wrong}", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
