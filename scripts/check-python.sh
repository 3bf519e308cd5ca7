#!/usr/bin/env bash
# Builds the Python package as a wheel, installs it into a clean environment and runs its tests there, away from the sources.
# $WENGERT_PROGRAM is a program to compare with that is built already. With --install it only installs its tools.
set -euo pipefail
cd "$(dirname "$0")/.."
export WENGERT_NVCC=${WENGERT_NVCC:-0}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tools=$target/ci/python-tools clean=$target/ci/python-clean wheels=$target/ci/wheels
quiet=(--quiet --disable-pip-version-check)

if [ ! -x "$tools/bin/python" ]; then
  python3 -m venv "$tools" || { apt-get update -q && apt-get install -qy python3-venv && python3 -m venv "$tools"; }
fi
"$tools/bin/pip" install "${quiet[@]}" -r scripts/requirements-python.txt
[ "${1:-}" != --install ] || exit 0

if [ -z "${WENGERT_PROGRAM:-}" ]; then
  cargo build --locked --quiet
  WENGERT_PROGRAM=$target/debug/wengert
fi
export WENGERT_PROGRAM
rm -rf "$wheels" "$clean"
"$tools/bin/maturin" build --quiet --manifest-path crates/python/Cargo.toml --profile dev --locked --out "$wheels"

python3 -m venv "$clean"
grep -E '^(numpy|pytest)==' scripts/requirements-python.txt > "$wheels/requirements.txt"
"$clean/bin/pip" install "${quiet[@]}" -r "$wheels/requirements.txt" "$wheels"/*.whl

tests=$PWD/crates/python/tests
cd "$wheels"
"$clean/bin/python" -m pytest -q -p no:cacheprovider "$tests"
# The stubs against what is installed.
"$tools/bin/pip" install "${quiet[@]}" --force-reinstall --no-deps "$wheels"/*.whl
"$tools/bin/python" -m mypy.stubtest --concise wengert
