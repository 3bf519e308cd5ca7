#!/usr/bin/env bash
# Compiles every CUDA kernel, those of the book among them, for sm_80 and sm_90a without a GPU, with nvcc and with NVRTC, and
# prints the most that the kernels of a file use, or with --all what each of them uses. Fails at an error, a warning, or registers
# that spill. It is the build of crates/cuda that runs nvcc on kernels/, and what it compiles into the program is checked too. The
# compilers come from PyPI, at the versions of the program. With files, only these are printed and given to NVRTC.
# Usage: scripts/check-kernels.sh [--all] [kernels/FILE.cu|crates/book/kernels/FILE.cu...], or --install for the compilers alone
set -euo pipefail
cd "$(dirname "$0")/.."

environment=target/ci/cuda
packages=(nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-nvrtc==13.0.88)
if [ "$(cat $environment/packages 2> /dev/null)" != "${packages[*]}" ]; then
  rm -rf $environment
  python3 -m venv $environment || { apt-get update -q && apt-get install -qy python3-venv && python3 -m venv $environment; }
  # Half a gigabyte: not kept a second time by pip.
  $environment/bin/pip install --quiet --disable-pip-version-check --no-cache-dir "${packages[@]}"
  printf '%s' "${packages[*]}" > $environment/packages
fi
[ "${1:-}" != --install ] || exit 0
exec $environment/bin/python scripts/check_kernels.py "$@"
