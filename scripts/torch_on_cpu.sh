#!/usr/bin/env bash
# Installs what the benchmarks compare against, PyTorch and JAX, into a virtual environment, without GPU wheels:
#
#     scripts/torch_on_cpu.sh [FOLDER]        (.venv unless told otherwise; PYTHON chooses the Python to make it from)
#
# PyPI's torch for Linux is built for CUDA. Its CPU half is that of any other build, but importing it loads the CUDA
# libraries, several GB of wheels. Here they are left out, and one small library under all their names takes their place
# beside libtorch, where its RPATH looks too: each function that is asked for is there and answers that there is no GPU.
# Needs Python 3.12 or later for a current JAX, a C compiler, readelf and nm.
set -euo pipefail
cd "$(dirname "$0")/.."
"${PYTHON:-python3}" -m venv "${1:-.venv}"
python=$(cd "${1:-.venv}/bin" && pwd)/python
pip() { "$python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install numpy safetensors jax
# What torch itself imports, for torch.compile too; its other requirements are the GPU wheels.
pip install filelock fsspec jinja2 networkx setuptools sympy typing_extensions
pip install --no-deps torch

cd "$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/torch/lib"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm --dynamic --defined-only --format=posix ./libc10*.so ./libtorch*.so | sed 's/[ @].*//' | sort -u > "$work/own"
# Lines `name version`. A symbol without a version is known as CUDA's by its name.
nm --dynamic --undefined-only --format=posix ./libc10*.so ./libtorch*.so | awk '{ print $1 }' | sort -u | tr '@' ' ' |
  awk '$2 ~ /^(lib(cu|nv|nccl)|NVSHMEM)/ || ($2 == "" && $1 ~ /^(__cuda|cu|nv|nccl)/)' |
  awk 'NR == FNR { own[$1]; next } !($1 in own)' "$work/own" - > "$work/symbols"
# 100 is cudaErrorNoDevice; what runs before main in a CUDA program (__cuda…) must not fail.
awk '!seen[$1]++ { printf "long %s(void) { return %d; }\n", $1, ($1 ~ /^__cuda/ ? 0 : 100) }' \
  "$work/symbols" > "$work/stand_in.c"
awk '$2 { names[$2] = names[$2] " " $1 ";" } END { for (v in names) printf "%s { global:%s };\n", v, names[v] }' \
  "$work/symbols" > "$work/versions"
cc -w -fno-builtin -shared -fPIC -Wl,--version-script="$work/versions" -o cuda_stand_in.so "$work/stand_in.c"
for library in libc10*.so libtorch*.so; do readelf --wide --dynamic "$library"; done |
  sed -n 's/.*(NEEDED).*\[\(lib\(cu\|nv\|nccl\)[^]]*\)\].*/\1/p' | sort -u |
  while read -r name; do ln -sf cuda_stand_in.so "$name"; done

"$python" -c 'import jax, torch; print(f"torch {torch.__version__} and jax {jax.__version__} compute on the CPU")'
