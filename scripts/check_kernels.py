"""Compiles the CUDA kernels with nvcc and NVRTC; see scripts/check-kernels.sh, which makes the environment for it."""

import ctypes
import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

KERNELS = Path("kernels")
# Those of the book are in no program: they are compiled here, with the flags of the others.
BOOK = Path("crates/book/kernels")
RESULTS = Path("target/kernels")
TOOLKIT = Path(sysconfig.get_paths()["purelib"]) / "nvidia/cu13"
# The features of Hopper's tensor cores want an architecture of their own, with an "a".
ARCHITECTURES = ["80", "90a"]
# nvcc is run by crates/cuda/build.rs, with flags of its own. These come on top: nothing may be doubtful, and what each kernel
# uses is to be told, also for sm_80, for which a build makes PTX alone.
NVCC = "-gencode arch=compute_80,code=sm_80 -Werror all-warnings -Xptxas -v,-warn-spills"
BOOK_NVCC = "-fatbin -std=c++17 -gencode arch=compute_90a,code=sm_90a"
NVRTC = ["--std=c++17"]

USAGE = re.compile(
    r"entry function '(?P<kernel>\w+)' for 'sm_(?P<architecture>\w+)'.*?(?P<stack>\d+) bytes stack frame, "
    r"(?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers(?P<rest>[^\n]*)",
    re.DOTALL,
)


def build():
    """Compiles the kernels into the tests of crates/cuda, as into the program; returns the folder of what nvcc said and the
    tests."""
    environment = {**os.environ, "WENGERT_NVCC": str(TOOLKIT / "bin/nvcc"), "NVCC_APPEND_FLAGS": NVCC}
    # In a folder of its own, as what is built elsewhere has no kernels built in and would have to be built again.
    command = "cargo test --locked --package wengert-cuda --lib --no-run --target-dir target/ci/fatbin --message-format json"
    run = subprocess.run(command.split(), env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        sys.exit("check-kernels: the kernels do not compile with nvcc; see above")
    messages = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    ours = [message for message in messages if "#wengert-cuda@" in message.get("package_id", "")]
    (folder,) = {message["out_dir"] for message in ours if message["reason"] == "build-script-executed"}
    (tests,) = {message["executable"] for message in ours if message.get("executable")}
    return Path(folder), tests


def label(file):
    """A file's name here; the book has files of the same names."""
    return f"book-{file.stem}" if file.parent == BOOK else file.stem


def headers(file):
    """What a file may include."""
    return sorted(KERNELS.glob("*.cuh")) + (sorted(BOOK.glob("*.cuh")) if file.parent == BOOK else [])


def book_log(file):
    """What nvcc says of a file of the book, asked once for each content."""
    log = RESULTS / f"{key(file, 'nvcc')}.log"
    if not log.exists():
        for old in RESULTS.glob(f"{label(file)}-nvcc-*"):
            old.unlink()
        command = [TOOLKIT / "bin/nvcc", *BOOK_NVCC.split(), *NVCC.split(), "-I", KERNELS, file, "-o", RESULTS / "fatbin"]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode:
            sys.exit(f"{run.stdout}check-kernels: nvcc does not compile {file}; see above")
        log.write_text(run.stdout)
    return log


def usages(folder, file):
    """What each kernel of a file uses on each architecture, from what ptxas has said."""
    kernels = {architecture: [] for architecture in ARCHITECTURES}
    (log,) = [book_log(file)] if file.parent == BOOK else folder.glob(f"{file.stem}-*.log")
    for found in USAGE.finditer(log.read_text()):
        shared = re.search(r"(\d+) bytes smem", found["rest"])
        usage = {name: int(found[name]) for name in ["registers", "stack", "stores", "loads"]}
        usage["shared"] = int(shared[1]) if shared else 0
        kernels[found["architecture"]].append({"kernel": found["kernel"], **usage})
    return kernels


def key(file, architecture):
    """Names a result after all that it follows from."""
    state = hashlib.sha256(Path(__file__).read_bytes())
    for path in [file, *headers(file)]:
        state.update(path.read_bytes())
    packages = Path("target/ci/cuda/packages")
    state.update(packages.read_bytes() if packages.exists() else b"")
    return f"{label(file)}-{architecture}-{state.hexdigest()[:16]}"


def nvrtc(file, architecture):
    """Compiles as the program does at first use: no header but those it carries. Returns what is wrong."""
    library = TOOLKIT / "lib"
    ctypes.CDLL(str(library / "libnvrtc-builtins.so.13.0"), mode=ctypes.RTLD_GLOBAL)
    compiler = ctypes.CDLL(str(library / "libnvrtc.so.13"))

    def texts(values):
        return (ctypes.c_char_p * len(values))(*values)

    included = headers(file)
    contents, names = texts([path.read_bytes() for path in included]), texts([path.name.encode() for path in included])
    program = ctypes.c_void_p()
    source, name = file.read_bytes(), file.name.encode()
    if compiler.nvrtcCreateProgram(ctypes.byref(program), source, name, len(included), contents, names):
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
    """What NVRTC finds wrong with a file, asked once for each content."""
    file, architecture = job
    result = RESULTS / key(file, architecture)
    if result.exists():
        return []
    wrong = nvrtc(file, architecture)
    if not wrong:
        for old in RESULTS.glob(f"{label(file)}-{architecture}-*"):
            old.unlink()
        result.touch()
    return wrong


def print_all(file, architecture, kernels):
    """A line for each kernel."""
    for kernel in kernels:
        print(
            f"{label(file):<18} sm_{architecture:<3} {kernel['kernel']:<44} {kernel['registers']:>9} "
            f"{kernel['shared']:>7} {kernel['stack']:>6} {kernel['stores'] + kernel['loads']:>8}"
        )


def print_most(file, architecture, kernels):
    """A line for all the kernels of a file."""
    most = {name: max((kernel[name] for kernel in kernels), default=0) for name in ["registers", "shared", "stack"]}
    spilling = sum(kernel["stores"] + kernel["loads"] > 0 for kernel in kernels)
    print(
        f"{label(file):<18} sm_{architecture:<3} {len(kernels):>7} {most['registers']:>9} {most['shared']:>7} "
        f"{most['stack']:>6} {spilling:>8}"
    )


def main():
    names = [name for name in sys.argv[1:] if name != "--all"]
    every = "--all" in sys.argv
    all_files = sorted(KERNELS.glob("*.cu")) + sorted(BOOK.glob("*.cu"))
    files = [Path(name) for name in names] or all_files
    if unknown := [str(file) for file in files if file not in all_files]:
        sys.exit(f"check-kernels: {', '.join(unknown)}: name files of {KERNELS} or {BOOK} that end in .cu")
    RESULTS.mkdir(parents=True, exist_ok=True)
    # The book's are no part of the build.
    folder, tests = (None, None) if all(file.parent == BOOK for file in files) else build()
    used = {file: usages(folder, file) for file in files}
    failed = False
    # Of a file the most that any of its kernels has, and how many of them spill; with --all each kernel's own.
    kernel = f"{'kernel':<44}" if every else f"{'kernels':>7}"
    print(f"{'file':<18} {'':<6} {kernel} {'registers':>9} {'shared':>7} {'stack':>6} {'spill':>8}")
    jobs = [(file, architecture) for file in files for architecture in ARCHITECTURES]
    with ProcessPoolExecutor(2) as pool:
        for (file, architecture), wrong in zip(jobs, pool.map(check, jobs)):
            kernels = used[file][architecture]
            (print_all if every else print_most)(file, architecture, kernels)
            sys.stdout.flush()
            if not kernels:
                wrong = [*wrong, "nvcc found no kernel"]
            for kernel in kernels:
                if kernel["stores"] + kernel["loads"]:
                    spilled = f"spills {kernel['stores']} bytes and loads {kernel['loads']}"
                    wrong = [*wrong, f"{kernel['kernel']} {spilled}"]
            for fault in wrong:
                failed = True
                print(f"check-kernels: {file} for sm_{architecture}: {fault}", file=sys.stderr)
    # That what the program carries is whole, and for the devices it is meant for.
    if tests:
        failed |= subprocess.run([tests, "--quiet", "program::"], check=False).returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
