"""Gives PyTorch's matrix products the AVX-512 kernels of MKL on processors that Intel did not make.

MKL picks its kernels by the maker's name before it looks at the instruction set: elsewhere it stays with AVX2, at half
the speed. It asks `mkl_serv_intel_cpu_true`, an ordinary dynamic symbol of `libtorch_cpu.so`; a library that defines
it and is loaded first answers yes. A comparison without this would be against a PyTorch with its hands tied.
"""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent.parent / ".cache" / "mkl_avx512.so"
SOURCE = "int mkl_serv_intel_cpu_true(void) { return 1; }\n"


def _processor() -> tuple[str, set[str]]:
    """The maker's name and the flags of the first processor in /proc/cpuinfo."""
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    fields = {name.strip(): value.strip() for name, _, value in reversed(list(lines))}
    return fields.get("vendor_id", ""), set(fields.get("flags", "").split())


def unlock_avx512() -> str | None:
    """Call before `import torch`. The note for the record, where there was something to do or it could not be done."""
    vendor, flags = _processor()
    if vendor == "GenuineIntel" or "avx512f" not in flags:
        return None
    if not LIBRARY.exists():
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("g++")
        if compiler is None:
            return "MKL stays with its AVX2 kernels on this processor: no C compiler to build the override with"
        LIBRARY.parent.mkdir(exist_ok=True)
        unfinished = LIBRARY.with_suffix(f".{os.getpid()}")
        command = [compiler, "-x", "c", "-shared", "-fPIC", "-o", str(unfinished), "-"]
        subprocess.run(command, input=SOURCE, text=True, check=True)
        unfinished.rename(LIBRARY)  # at once, for programs that start together
    ctypes.CDLL(str(LIBRARY), mode=ctypes.RTLD_GLOBAL)
    return "MKL told to use its AVX-512 kernels on this processor"
