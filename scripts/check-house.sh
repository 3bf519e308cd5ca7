#!/usr/bin/env bash
# Rules of the house that no compiler checks: imports go down a floor, unsafe stays where it may be, no stubs.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
complain() { printf 'check-house: %s\n' "$1" >&2; failed=1; }

# An import goes down, never up and never sideways (docs/architecture.md).
declare -A below=(
  [cpu]="" [cuda]="" [tensor]="cpu cuda" [nn]="tensor cpu" [data]="tensor cpu" [models]="tensor nn data"
  [study]="tensor nn data models" [python]="tensor nn data models cuda"
  [emulator]="" [book]="cpu cuda tensor nn models" [testkit]="tensor nn cuda emulator"
)
for crate in "${!below[@]}"; do
  for used in $(sed -n '/^\[dependencies\]/,/^\[/p' "crates/$crate/Cargo.toml" | grep -oE '^wengert-[a-z]+' | sed 's/wengert-//'); do
    case " ${below[$crate]} " in
      *" $used "*) ;;
      *) complain "crates/$crate must not depend on wengert-$used" ;;
    esac
  done
done

# Only tests run kernels on the host, and the test kit for them.
for manifest in Cargo.toml crates/*/Cargo.toml; do
  if [ "$manifest" != crates/testkit/Cargo.toml ] && sed -n '/^\[dependencies\]/,/^\[/p' "$manifest" | grep -q '^wengert-emulator'; then
    complain "$manifest: wengert-emulator is for dev-dependencies"
  fi
done

# `unsafe` only in the kernels, what calls the CUDA driver, the storage module, where Python's arrays come in and go out, and where
# the book starts its kernels.
while IFS=: read -r file line _; do
  case "$file" in
    crates/cpu/*|crates/cuda/*|crates/emulator/*|crates/tensor/src/storage/buffer.rs) ;;
    crates/python/src/interchange/dlpack.rs|crates/book/src/kernels/device.rs) ;;
    *) complain "unsafe outside crates/cpu, crates/cuda, crates/emulator, the storage module, Python's DLPack and the book's launches: $file:$line" ;;
  esac
done < <(grep -rnE '\bunsafe (fn|impl|trait|extern)\b|\bunsafe \{' --include='*.rs' crates src tests benches || true)

while IFS= read -r hit; do
  complain "stub: $hit"
done < <(grep -rnE 'todo!\(|unimplemented!\(|#\[ignore' --include='*.rs' crates src tests benches || true)

while IFS= read -r file; do
  lines=$(wc -l < "$file")
  [ "$lines" -le 500 ] || complain "$file has $lines lines; a file holds one idea in at most 500"
done < <(git ls-files --cached --others --exclude-standard '*.rs' '*.py' '*.cu' '*.cuh' '*.cpp' '*.hpp')

exit "$failed"
